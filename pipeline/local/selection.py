"""Which nodes of the graph a run is about."""

from __future__ import annotations

import dataclasses

from pipeline import errors, nodes
from pipeline.config.config import Config
from pipeline.runs import folder

NODES = nodes.ALL
"""All nodes, in the order of the graph."""

FINISHED = ("done", "cached", "reused")
"""States of a node whose outputs can be used."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which nodes to run; empty means all.

    Raises:
      UsageError: a name that is not a node.
    """

    from_nodes: tuple[str, ...] = ()
    to_nodes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for node in (*self.from_nodes, *self.to_nodes):
            if node not in NODES:
                raise errors.UsageError(
                    f"'{node}' is not a node here. Known: {', '.join(NODES)}"
                )

    @property
    def is_partial(self) -> bool:
        """Whether any node is left out."""
        return bool(self.from_nodes or self.to_nodes)

    def base_run(self, config: Config) -> str | None:
        """The newest run whose nodes before --from can be reused.

        Raises:
          UsageError: there is none.
        """
        if not self.from_nodes:
            return None
        first = min(NODES.index(node) for node in self.from_nodes)
        for summary in folder.newest_first(config.output_root):
            states = {node.id: node.state for node in summary.nodes}
            before = all(states.get(node) in FINISHED for node in NODES[:first])
            if summary.pipeline == config.run_name and before:
                return summary.run_id
        raise errors.UsageError(
            f"--from {NODES[first]} reuses an earlier run's nodes before it, and no "
            f"run in {config.output_root} has them. Run once without --from."
        )
