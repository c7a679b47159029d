"""Where a message goes."""

from __future__ import annotations

import logging

from pipeline.notifications import channels


def test_a_message_lies_in_the_folder_of_its_run(tmp_path):
    folder = tmp_path / "runs" / "r1"

    path = channels.deliver("SUCCEEDED: Zürich\n", str(folder))

    assert path == str(folder / "message.txt")
    assert (folder / "message.txt").read_text(encoding="utf-8") == "SUCCEEDED: Zürich\n"


def test_a_message_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="millrace"):
        channels.deliver("100 % done\n", str(tmp_path))

    assert [record.getMessage() for record in caplog.records] == ["100 % done\n"]


def test_a_second_message_replaces_the_first(tmp_path):
    channels.deliver("first\n", str(tmp_path))
    channels.deliver("second\n", str(tmp_path))

    assert (tmp_path / "message.txt").read_text(encoding="utf-8") == "second\n"
