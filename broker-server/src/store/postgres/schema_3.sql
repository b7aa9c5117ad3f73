-- what people find an instance by
ALTER TABLE instances ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
