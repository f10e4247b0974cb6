/**
 * Version 2, the first one of a release. Once a version is released its text is never edited: a later change is a migration of its own.
 * Times are seconds since the epoch. Documents are JSON text.
 */
export const FIRST_SCHEMA = `
CREATE TABLE mfa_records (
  account_id TEXT PRIMARY KEY,
  version    INTEGER NOT NULL,
  record     TEXT NOT NULL
) STRICT;

-- The handles of each record, written in the transaction that saves it: the key gives a handle to one account.
CREATE TABLE mfa_handles (
  handle     TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES mfa_records (account_id)
) STRICT;
CREATE INDEX mfa_handles_account ON mfa_handles (account_id);

CREATE TABLE one_time (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX one_time_expiry ON one_time (expires_at);

-- ends_at: when the counter starts again from 0; NULL: never. A count of 0 is the same as no row.
-- touched_at: when it last changed; a counter that never ends is deleted long after (adapters/counter-rules.ts).
CREATE TABLE counters (
  key        TEXT PRIMARY KEY,
  count      INTEGER NOT NULL,
  ends_at    INTEGER,
  touched_at INTEGER NOT NULL
) STRICT;
CREATE INDEX counters_end ON counters (ends_at);
CREATE INDEX counters_at_zero ON counters (key) WHERE count = 0;
CREATE INDEX counters_touched ON counters (touched_at) WHERE ends_at IS NULL;

CREATE TABLE accounts (
  id       TEXT PRIMARY KEY,
  version  INTEGER NOT NULL,
  document TEXT NOT NULL
) STRICT;

-- User names and verified addresses are one namespace: a name leads to one account.
CREATE TABLE account_names (
  name       TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id)
) STRICT;
CREATE INDEX account_names_owner ON account_names (account_id);

CREATE TABLE clients (
  client_id TEXT PRIMARY KEY,
  metadata  TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
  sequence   INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  at         INTEGER NOT NULL,
  type       TEXT NOT NULL,
  account_id TEXT,
  detail     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_time ON audit (at, sequence);
CREATE INDEX audit_account ON audit (account_id, at, sequence) WHERE account_id IS NOT NULL;

-- id, uid, user_code and grant_id are hashes, and the payload is sealed (adapters/sealed-host-records.ts).
-- keep_until: past it the record is neither found nor kept; NULL: for ever.
-- uid is a session's, and not unique: two parallel requests may each give the session a new id.
CREATE TABLE host_records (
  model      TEXT NOT NULL,
  id         TEXT NOT NULL,
  payload    TEXT NOT NULL,
  uid        TEXT,
  user_code  TEXT,
  grant_id   TEXT,
  consumed   INTEGER,
  keep_until INTEGER,
  UNIQUE (model, id)
) STRICT;
CREATE INDEX host_records_uid ON host_records (uid) WHERE uid IS NOT NULL;
CREATE INDEX host_records_user_code ON host_records (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX host_records_grant ON host_records (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX host_records_expiry ON host_records (keep_until) WHERE keep_until IS NOT NULL;

-- Tombstones, a row for each id a session had (adapters/host-record-rules.ts).
-- over: nothing is stored under the uid again, but for one heir until heir_until.
CREATE TABLE ended_sessions (
  id         TEXT PRIMARY KEY,
  uid        TEXT NOT NULL,
  over       INTEGER NOT NULL,
  heir_until INTEGER NOT NULL,
  keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX ended_sessions_uid ON ended_sessions (uid);
CREATE INDEX ended_sessions_expiry ON ended_sessions (keep_until);

-- A row to write when the question is whether anything can be written.
CREATE TABLE write_checks (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;
`

/** Version 3: the sessions and grants of an account are listed. `account`: a hash (adapters/sealed-host-records.ts). */
export const RECORDS_OF_ACCOUNTS = `
ALTER TABLE host_records ADD COLUMN account TEXT;
CREATE INDEX host_records_account ON host_records (account) WHERE account IS NOT NULL;
`

/** Version 4: mails that wait to be sent, and the accounts whose events wait to be passed on. */
export const OUTBOX_SCHEMA = `
-- value is sealed, and empty when the row is finished. due_at: NULL when it is finished.
-- until: the end of the code or link in the mail. keep_until: past it the row is deleted; NULL: kept.
CREATE TABLE outbox (
  sequence         INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  account_id       TEXT NOT NULL,
  value            TEXT NOT NULL,
  until            INTEGER,
  keep_until       INTEGER,
  due_at           INTEGER,
  claims           INTEGER NOT NULL,
  first_claimed_at INTEGER
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at, sequence) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_secrets ON outbox (account_id) WHERE until IS NOT NULL;
CREATE INDEX outbox_expiry ON outbox (keep_until) WHERE keep_until IS NOT NULL;

CREATE INDEX mfa_records_waiting ON mfa_records (account_id)
  WHERE json_array_length(record, '$.events') > 0;
CREATE INDEX accounts_waiting ON accounts (id) WHERE json_array_length(document, '$.events') > 0;
`

/** Version 5: which node does a piece of upkeep, and until when. */
export const LEASES_SCHEMA = `
CREATE TABLE leases (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  INTEGER NOT NULL
) STRICT;
`

/** Version 6: the notes of running nodes about themselves. `beat_at`: its last heartbeat. */
export const NODES_SCHEMA = `
CREATE TABLE nodes (
  id      TEXT PRIMARY KEY,
  beat_at INTEGER NOT NULL,
  note    TEXT NOT NULL
) STRICT;
CREATE INDEX nodes_beat ON nodes (beat_at);
`

/** Version 7: why the last attempt to send a mail failed. NULL: none failed, or a sender has the row. */
export const OUTBOX_FAULTS = `
ALTER TABLE outbox ADD COLUMN fault TEXT;
`

/** Version 8: entries of the trail are found by each member of a query (audit-trail.ts), in the order of time. */
export const AUDIT_INDEXES = `
CREATE INDEX audit_type ON audit (type, at, sequence);
CREATE INDEX audit_client ON audit (json_extract(detail, '$.clientId'), at, sequence)
  WHERE json_extract(detail, '$.clientId') IS NOT NULL;
CREATE INDEX audit_ip ON audit (json_extract(detail, '$.ip'), at, sequence)
  WHERE json_extract(detail, '$.ip') IS NOT NULL;
CREATE INDEX audit_actor ON audit (json_extract(detail, '$.actor'), at, sequence)
  WHERE json_extract(detail, '$.actor') IS NOT NULL;
CREATE INDEX audit_request ON audit (json_extract(detail, '$.requestId'), at, sequence)
  WHERE json_extract(detail, '$.requestId') IS NOT NULL;
`

/**
 * Version 9: the chain of the trail (domain/audit-chain.ts). An entry of before has no chain. `number` is not unique:
 * a forged entry must not keep the next one from being added.
 */
export const AUDIT_CHAINS = `
ALTER TABLE audit ADD COLUMN chain TEXT;
ALTER TABLE audit ADD COLUMN number INTEGER;
ALTER TABLE audit ADD COLUMN hash TEXT;
CREATE INDEX audit_chain ON audit (chain, number) WHERE chain IS NOT NULL;

-- The newest entry of each chain.
CREATE TABLE audit_heads (
  chain  TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  hash   TEXT NOT NULL,
  seal   TEXT NOT NULL
) STRICT;

-- Entries that retention has removed, in runs.
CREATE TABLE audit_removed (
  chain TEXT NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  hash  TEXT NOT NULL,
  seal  TEXT NOT NULL,
  PRIMARY KEY (chain, first)
) STRICT;
CREATE INDEX audit_removed_last ON audit_removed (chain, last);
`
