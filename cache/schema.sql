-- migration 1

CREATE TABLE blob (
	digest TEXT NOT NULL PRIMARY KEY CHECK (length(digest) = 64),
	bytes  INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

-- record: the blob that describes this entry, from which the row can be made again
CREATE TABLE artifact (
	key    TEXT NOT NULL PRIMARY KEY CHECK (length(key) = 64),
	record TEXT NOT NULL REFERENCES blob (digest),
	used   INTEGER NOT NULL, -- seconds since 1970
	hits   INTEGER NOT NULL DEFAULT 0,
	pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX artifact_record ON artifact (record);
CREATE INDEX artifact_used ON artifact (used, key);

CREATE TABLE part (
	key      TEXT NOT NULL REFERENCES artifact (key) ON DELETE CASCADE,
	position INTEGER NOT NULL,
	name     TEXT NOT NULL,
	digest   TEXT NOT NULL CHECK (length(digest) = 64),
	file     TEXT NOT NULL REFERENCES blob (digest),
	start    INTEGER NOT NULL CHECK (start >= 0),
	bytes    INTEGER NOT NULL CHECK (bytes >= 0),
	PRIMARY KEY (key, position),
	UNIQUE (key, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX part_digest ON part (digest);
CREATE INDEX part_file ON part (file);
