-- How often an execution was redriven, and when last.
ALTER TABLE executions ADD COLUMN redrives INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN redrive_date INTEGER;

-- Sums of what executions used, for each day and state machine. They outlive the executions.
CREATE TABLE usage (
    -- Days since 1970.
    day INTEGER NOT NULL,
    state_machine INTEGER NOT NULL,
    executions INTEGER NOT NULL,
    transitions INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    megabyte_milliseconds INTEGER NOT NULL,
    PRIMARY KEY (day, state_machine)
) STRICT, WITHOUT ROWID;
