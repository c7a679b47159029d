"""The compiled job for a person: as whom, on which machines, how often, how long."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from pipeline.vertex.job import machines
from pipeline.vertex.job.job import Job
from pipeline.vertex.job.machines import Machine


def header(job: Job) -> list[str]:
    """What holds for the whole job, a line each; nothing is left out or cut off.

    Args:
      job: of vertex.compile_job.
    """
    plain = job.to_dict()
    policy = plain["runtimeConfig"]["failurePolicy"].rsplit("_", 1)[-1].lower()
    key = plain.get("encryptionSpec", {}).get("kmsKeyName", "Google's")
    psc = plain.get("pscInterfaceConfig", {})
    ranges = ", ".join(plain.get("reservedIpRanges", ()))
    lines = {
        "pipeline": job.name,
        **_images(job),
        "service account": plain.get("serviceAccount", "the project's default"),
        "network": plain.get("network", "none")
        + (f", ranges {ranges}" if ranges else ""),
        "network attachment": psc.get("networkAttachment", "none"),
        "encryption key": key,
        "output": job.output,
        "after a failure": {
            "slow": "runs what does not depend on it",
            "fast": "starts nothing more",
        }[policy],
        "hours at most": _total(machines.machine_hours(job)),
        **_parameters(job),
    }
    width = max(map(len, lines)) + 2
    return [f"{name:<{width}}{value}" for name, value in lines.items()]


def table(job: Job) -> Table:
    """A row for each task, as the job has it.

    Args:
      job: of vertex.compile_job.
    """
    shown = Table(box=None)
    for column in ("task", "machine", "cached", "starts", "hours at most", "condition"):
        shown.add_column(column, overflow="fold")
    held = machines.machine_hours(job)
    for name, task in sorted(job.all_tasks.items()):
        machine = held.get(name)
        shown.add_row(
            name,
            _machine(machine) if machine else "none: a resolver",
            "yes" if task.is_cached else "no",
            f"1 to {machine.starts}" if machine and machine.starts > 1 else "1",
            f"{machine.hours:g}" if machine else "0",
            escape(task.condition),
        )
    return shown


def _images(job: Job) -> dict[str, str]:
    """The image of nearly all tasks, and each that has another."""
    found = {name: each.image for name, each in job.containers.items()}
    [(usual, _)] = Counter(found.values()).most_common(1)
    others = {f"image of {n}": image for n, image in found.items() if image != usual}
    return {"image": usual, **others}


def _parameters(job: Job) -> dict[str, str]:
    """Name -> what its task takes when it is not given, and which task that is."""
    found = {}
    for node, container in job.containers.items():
        for flag, argument in itertools.pairwise(container.args):
            if flag == "--parameter":
                name, _, place = argument.partition("=")
                found[f"-p {name}"] = f"{_compiled(job, node, place)}, for {node}"
    return dict(sorted(found.items()))


def _compiled(job: Job, node: str, place: str) -> str:
    json_property, _, path = place.partition(":")
    constants = job.tasks[node].constants
    if json_property not in constants:
        return "the newest"
    value = json.loads(constants[json_property])
    for part in path.split(".") if path else ():
        value = value.get(part, {})  # a bound that was not stated is not there
    return "none" if value is None or value == {} else str(value)


def _total(held: Mapping[str, Machine]) -> str:
    hours = sum(machine.hours for machine in held.values())
    return f"{hours:g}, all machines together; starting them takes minutes on top"


def _machine(machine: Machine) -> str:
    text = f"{machine.cpus:g} CPU, {machine.memory_gb:g} GB"
    if machine.accelerator:
        text += f", {machine.accelerators} x {machine.accelerator}"
    return f"{text} (default)" if machine.is_default else text
