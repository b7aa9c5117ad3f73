-- the span of the request that an operation was accepted for
ALTER TABLE operations ADD COLUMN trace TEXT;
