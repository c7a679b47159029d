"""The names under which a run is recorded in MLMD: the contract with later readers.

A name that is here keeps its meaning. Whoever changes one counts VERSION up, and the
readers in `pipeline/lineage` know both. Values are text, whole numbers or
floats; JSON is text. No value is a secret: the configuration holds references to
secrets only.
"""

from __future__ import annotations

VERSION = "1"


class RunKey:
    """Properties of the `pipeline_run` context: what is of the run, not of content."""

    VERSION = "lineage_version"
    """VERSION above, of when the run was recorded."""

    PIPELINE = "pipeline"
    """Name of the pipeline."""

    STARTED = "started"
    """Seconds since 1970 (UTC), as text."""

    ENDED = "ended"
    """The same of its end; missing when the run was cut off."""

    OUTCOME = "outcome"
    """The one word: SUCCEEDED, NOT_BLESSED, ..."""

    OUTCOME_NODE = "outcome_node"
    """The node that decided it; '' when all went well."""

    REASONS = "reasons"
    """JSON list: why, in words."""

    PARTIAL = "partial"
    """'true' for a part of the graph."""

    TRIGGER = "trigger"
    """'hand', 'schedule NAME', 'backfill ...', 'retrain CONDITION'."""

    USER = "user"
    """Who started it: the name of the account on the host."""

    HOST = "host"
    """Name of the machine."""

    PROCESS = "process"
    """JSON: host, pid and start of the process, so that a dead one is told apart."""

    COMMIT = "commit"
    """git's commit of the code, 40 hex digits; '' outside of git."""

    DIRTY = "dirty"
    """'true' when the tree differed from the commit."""

    DIFF_DIGEST = "diff_digest"
    """SHA-256 of that difference, untracked files included; '' when there is none."""

    OUTPUT_ROOT = "output_root_id"
    """Random id of the output root: whose files its artifacts are, where several
    machines share a store."""

    ROOT = "root"
    """Folder of the code: paths of the configuration below it are the code's own."""

    CONFIG = "config"
    """JSON of every value of the resolved configuration."""

    CONFIG_DIGEST = "config_digest"
    """SHA-256 of it."""

    INPUTS_DIGEST = "inputs_digest"
    """SHA-256 over configuration, data, schema, code and lock."""

    LOCK_DIGEST = "lock_digest"
    """SHA-256 of requirements/main.lock."""

    VERSIONS = "versions"
    """JSON: python, tfx, tensorflow and the other libraries that decide a result."""

    IMAGE = "image"
    """Container image by digest, on Vertex; '' here."""

    NODES = "nodes"
    """JSON list: id, state, seconds, execution_id of each node."""

    TOLD = "told"
    """JSON list: who was told, by channel name, when, and what became of it.

    On Vertex, where no task can write to its run, on what the Notifier puts out."""


class ExecutionKey:
    """Properties of an execution, beside the node's parameters."""

    CODE_DIGEST = "code_digest"
    """SHA-256 over the code that the node ran.

    On Vertex, where no task can write to its execution, on all that it puts out."""

    CODE_FILES = "code_files"
    """JSON: file -> first 16 hex digits of the digest of its statements; on Vertex as
    `CODE_DIGEST`. Of runs before 2026-11-28 it is the SHA-256 of the bytes."""

    ERROR = "error_message"
    """Why it failed, in words."""

    ROWS_IN = "rows_in"
    """Rows that it read."""

    ROWS_OUT = "rows_out"
    """Rows that its outputs hold or describe; 0 of a node that puts out no rows."""

    SECONDS = "seconds"
    """How long it took in this run."""


class Statistics:
    """Custom statistics of a column in FeatureStats.pb, beside TFDV's own."""

    COUNTS = "counts"
    """Of few whole numbers: each value and its rows, a rank histogram."""

    HUNDREDTHS = "hundredths"
    """Of other numbers: a hundred buckets of the same number of rows, a histogram."""

    NAN = "nan"
    INFINITE = "infinite"
    """Values that are no numbers, a number; not there where there are none."""


class Data:
    """Properties of the Examples artifact: what is of the content."""

    FILES = "files"
    """JSON list: name (relative to `files_root`), size, sha256 of each raw file."""

    FILES_ROOT = "files_root"
    """Folder that the raw files were in."""

    FILES_DIGEST = "files_digest"
    """SHA-256 over names and contents of the raw files."""

    ROWS = "rows_by_split"
    """JSON: split -> rows."""

    ROWS_READ = "rows_read"
    ROWS_WRITTEN = "rows_written"
    ROWS_REJECTED = "rows_rejected"
    """Rows read = rows written + rows rejected."""

    REJECTS_FILE = "rejects_file"
    """Where the rejected rows are named, with file, line and column."""

    SPAN = "span"
    """TFX's: number of the span."""

    TIME_COLUMN = "time_column"
    TIME_RANGE = "time_range"
    """JSON: least and greatest value of that column."""

    FINGERPRINT = "input_fingerprint"
    """TFX's cache: number of files, bytes, digest; the one trace in older records."""


class Schema:
    """Properties of the Schema artifact."""

    DIGEST = "schema_digest"
    """SHA-256 of the curated schema's text."""


class Anomalies:
    """Properties of the ExampleAnomalies artifact."""

    DRIFTED = "drifted"
    """JSON list: a line for each column that moved and was let through."""

    UNLABELLED = "rows_without_label"
    """JSON: split -> rows that have no label, and are neither learned nor judged."""

    NOT_NUMBERS = "not_numbers"
    """JSON list: split, column, and how many values are NaN or infinite."""


class Evaluation:
    """Properties of the ModelEvaluation artifact."""

    VERDICT = "verdict_details"
    """JSON of `verdict.Verdict.to_dict()`: word, checks, reasons."""

    METRICS = "metrics"
    """JSON: metric -> value, overall, of the candidate."""


class Blessing:
    """Properties of the ModelBlessing artifact that TFX and we read."""

    BLESSED = "blessed"
    WORD = "verdict"
    CANDIDATE = "current_model"
    """URI of the model that was judged."""


class Pushed:
    """Properties of the PushedModel artifact."""

    PUSHED = "pushed"
    """1 or 0."""

    REASON = "reason"
    """Why not, when 0."""

    SAME_AS = "same_as"
    """When 0: the version that holds this very model already; its run made it first."""

    CONTENT = "model_sha256"
    """Digest of the model itself (serving/identity.py)."""

    DESTINATION = "pushed_destination"
    """Folder of the version."""

    VERSION = "pushed_version"
    """Name of that folder."""

    REGISTERED = "registered"
    """Its name in the registry: a folder, or Vertex's MODEL@VERSION; beside `SAME_AS`
    the folder of that version."""

    CHAMPION = "champion"
    """1, or 0 when it waits for a person; without a registry it is not set."""

    ROWS, P50_MS, P95_MS, LOAD_S, SIZE_MB = (
        *("rows", "p50_ms", "p95_ms", "load_s", "size_mb"),
    )
    """What the serving check measured: rows asked, milliseconds of a request, seconds
    to load, megabytes."""

    ENDPOINT = "endpoint"
    """What the endpoint took, in words; without one it is not set."""

    MISSING = "missing_number"
    """What a client sends by column for a number that is missing."""

    MANIFEST = "manifest_sha256"
    """SHA-256 of the version's manifest, which lists the digest of every other file."""


class Notification:
    """Properties of the Notifier's artifact."""

    CHANNELS = "channels"
    """Names of the channels that were sent to, with commas."""

    EXPERIMENT = "experiment"
    """'written', or why the run is not in its experiment; without one it is not set."""


class Payload:
    """Properties of an artifact whose files can be checked: of a local run, of each."""

    CONTENT = "content"
    """JSON: file -> size, sha256."""

    DIGEST = "content_sha256"
    """`content.digest()` of it: the same for a copy, wherever it lies."""

    DAMAGED = "damaged"
    """Why a run took it out of use: which files were not as recorded, in words. It is
    DELETED from then on, and its files are left as they are."""

    DELETED_AT = "deleted_by_gc_at"
    """Seconds since 1970 (UTC), as text: when `gc` dropped the files."""


class Override:
    """A person pushed a model that was refused: execution GateOverride, and beside it.

    The verdict and the blessing stay as the Evaluator wrote them.
    """

    TYPE = "GateOverride"
    """Of the execution: took model, blessing, evaluation; put out the pushed model."""

    SAID = "overridden"
    """JSON: by, reason, at (seconds since 1970); on execution, PushedModel and run."""

    VERDICT = "overridden_verdict"
    """The word of the verdict, on the execution."""

    PROCESS = "process"
    """JSON, as of a run: who pushes, on the execution."""

    FAILING = "overridden_checks"
    """JSON: the checks of the verdict that did not pass, on the execution."""


class Move:
    """A person moved the champion: execution ChampionMove, of no run.

    On Vertex the same is an execution of Vertex ML Metadata with these names, made by
    the registry itself (`gcp/registry_moves.py`).
    """

    TYPE = "ChampionMove"
    """Of the execution: of the pipeline, and of a node of that name."""

    ID = "move"
    """The registry's id of it."""

    ACTION = "action"
    """'promote', 'rollback' or 'override'."""

    BEFORE = "before"
    """Champion before it; '' is none."""

    CHAMPION = "champion"
    """Champion after it."""

    ACTOR = "actor"
    REASON = "reason"

    AT = "at"
    """Seconds since 1970 (UTC), as text."""
