-- what was bought, or is about to be, once for each purchase; amounts in ten-thousandths, at in milliseconds since 1970
CREATE TABLE expenses (
    purchase     TEXT PRIMARY KEY,
    account      TEXT NOT NULL,
    organization TEXT NOT NULL,
    space        TEXT NOT NULL,
    amount       BIGINT NOT NULL,
    currency     TEXT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX expenses_of_account ON expenses (account, currency, at);
