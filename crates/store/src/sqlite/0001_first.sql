-- Parts of ARNs that repeat, each kept once: state machines, versions, aliases, and what stands
-- before the name in the ARN of an execution.
CREATE TABLE arns (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL UNIQUE
) STRICT;

-- Executions by the hash of their ARN. Hashes fall anywhere, so that writing each at once would
-- rewrite a page for each execution. New ones are therefore in the log first, and are moved from
-- there in the order of hashes, many to a page. An entry is in the log, in the index, or in both.
CREATE TABLE arn_index (
    hash INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    PRIMARY KEY (hash, execution)
) STRICT, WITHOUT ROWID;

CREATE TABLE arn_log (
    id INTEGER PRIMARY KEY,
    -- Hashes and keys in turn, little-endian, 8 bytes each.
    entries BLOB NOT NULL
) STRICT;

CREATE TABLE executions (
    key INTEGER PRIMARY KEY,
    -- Turns committed so far.
    turns INTEGER NOT NULL,
    status INTEGER NOT NULL,
    -- Whether there is a stop date, and the stop date where there is one, else the start date.
    stopped INTEGER NOT NULL,
    moment INTEGER NOT NULL,
    wake INTEGER,
    recover INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    start_date INTEGER NOT NULL,
    state_machine INTEGER NOT NULL,
    version INTEGER,
    alias INTEGER,
    -- The execution's ARN is stem, name, rest; where there is no stem it is rest alone.
    stem INTEGER,
    name TEXT NOT NULL,
    rest TEXT NOT NULL,
    -- Null where it is long: then it is turn 0 in the journal.
    header BLOB,
    -- The first turn's journal where it is short, else null.
    first_turn BLOB
) STRICT;

-- Lists of one status; a list of any status is merged from them. The key is in every index.
CREATE INDEX executions_by_state_machine ON executions (state_machine, status, moment)
    WHERE listed = 1;
CREATE INDEX executions_by_version ON executions (version, status, moment)
    WHERE listed = 1 AND version IS NOT NULL;
CREATE INDEX executions_by_alias ON executions (alias, status, moment)
    WHERE listed = 1 AND alias IS NOT NULL;

-- Open executions that lists do not show, to count them; those that lists show have an index.
CREATE INDEX executions_open ON executions (state_machine) WHERE listed = 0 AND status = 0;
CREATE INDEX executions_by_wake ON executions (wake) WHERE wake IS NOT NULL;
CREATE INDEX executions_to_recover ON executions (recover) WHERE recover = 1;

-- Turns that are not in the execution's row, in the order of commits: appending them and a short
-- entry of an index rewrites fewer pages than keeping them in the order of executions.
CREATE TABLE journal (
    execution INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (execution, turn)
) STRICT;

CREATE TABLE records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
