"""Where a message goes: today the log, and a file in the run's folder."""

from __future__ import annotations

import logging
import os

MESSAGE_FILE = "message.txt"


def deliver(message: str, run_folder: str) -> str:
    """Logs the message and writes it into the run's folder; returns the file's path."""
    logging.getLogger("millrace").info("%s", message)
    os.makedirs(run_folder, exist_ok=True)
    path = os.path.join(run_folder, MESSAGE_FILE)
    with open(path, "w", encoding="utf-8") as file:
        file.write(message)
    return path
