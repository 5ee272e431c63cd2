-- The Map Run that an execution is a child of.
ALTER TABLE executions ADD COLUMN map_run INTEGER;

CREATE INDEX executions_by_map_run ON executions (map_run, status, moment)
    WHERE map_run IS NOT NULL;
