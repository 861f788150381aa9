"""The tables of the state, and the totals that SQLite keeps of them.

External links have tables of their own (`external/tables.py`), where they are followed.
"""

FORMAT = 7
FINGERPRINT = "26c4d27c98cfaeac"
"""Of the tables below, as SQLite keeps them (`damage.fingerprint`)."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE projects (
    name TEXT PRIMARY KEY,         -- normalized
    shown TEXT NOT NULL,           -- as the root page spells it
    is_listed INTEGER NOT NULL,    -- a good page of it was seen: it has a page, and stands on the root page
    is_current INTEGER NOT NULL DEFAULT 0, -- nothing has to be asked before upstream's list says so
    serial TEXT,                   -- the project list's, when it was last asked about
    page_serial TEXT,              -- the page's own
    etag TEXT, last_modified TEXT, -- the page's validators
    selection TEXT,                -- fingerprint of what selected its files
    url TEXT,                      -- where the project list's own link leads; NULL: to the normalized address
    speaks_json INTEGER,           -- 1: that address gave JSON
    revalidated REAL,              -- when its page was last had, whatever list, serials and caches claimed
    revalidate_at REAL,            -- when it is asked for again though nothing tells of a change; NULL: never
    falls_due REAL,                -- when a file that is too young for min_age_days is old enough
    held_back TEXT,                -- why what its page no longer lists is kept
    held_back_since REAL,
    status TEXT, status_reason TEXT,
    spelled TEXT,                  -- its name as its files spell it, where nothing else tells
    link TEXT,                     -- the link to its folder under the name as shown, made or to be made
    digest TEXT,                   -- of its JSON page, as the root page tells it
    html_digest TEXT,              -- of its HTML page
    pages TEXT,                    -- fingerprint of what rendered its pages; NULL: due, or to be removed
                                   -- where it is not listed; empty: there are none
    unsynced INTEGER,              -- 1: its pages were written since the last sync point
    vanished_since REAL,           -- upstream no longer has it, by a good answer
    pending_since REAL,            -- upstream's page is not yet the one that its list speaks of
    failures INTEGER NOT NULL DEFAULT 0, next_try REAL, -- tries that failed in a row; none before then
    error TEXT, error_since REAL
) WITHOUT ROWID;
CREATE TABLE files (
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    status TEXT NOT NULL,          -- arriving, held, failed or delisted
    listed BLOB NOT NULL,          -- what upstream said of it: a File
    sha256 TEXT, size INTEGER,     -- of what is held, or was when it was delisted
    metadata TEXT,                 -- sha256 of <filename>.metadata in the tree
    unsynced INTEGER,              -- 1: it came in since the last sync point
    vanished_since REAL,           -- held, but on no good page of upstream's any more
    delisted_since REAL,             -- on none of our pages any more; 0: at once, 1: it never was
    error TEXT, error_since REAL,  -- what is wrong with it, and since when
    aside INTEGER,                 -- delisted by a quarantine: 0 to be put out of reach, 1 done
    provenance BLOB,               -- <filename>.provenance in the tree: a Provenance
    served BLOB,                   -- of a file without a digest upstream, what it was served with: a Served
    partial TEXT,                  -- the validator of what came of it, where that is kept
    PRIMARY KEY (project, filename)
) WITHOUT ROWID;
CREATE INDEX stale_projects ON projects (name) WHERE NOT is_current;
CREATE INDEX unlisted_projects ON projects (name) WHERE NOT is_listed;
CREATE INDEX wrong_projects ON projects (name) WHERE error IS NOT NULL;
CREATE INDEX pending_projects ON projects (name) WHERE pending_since IS NOT NULL;
CREATE INDEX vanished_projects ON projects (name) WHERE vanished_since IS NOT NULL;
CREATE INDEX revalidated_projects ON projects (revalidate_at) WHERE revalidate_at IS NOT NULL;
CREATE INDEX falling_due_projects ON projects (falls_due) WHERE falls_due IS NOT NULL;
CREATE INDEX held_back_projects ON projects (name) WHERE held_back IS NOT NULL;
CREATE INDEX unsynced_projects ON projects (name) WHERE unsynced;
CREATE INDEX rendered_projects ON projects (pages);
CREATE INDEX wrong_files ON files (project) WHERE error IS NOT NULL;
CREATE INDEX vanished_files ON files (project) WHERE vanished_since IS NOT NULL;
CREATE INDEX partial_files ON files (project) WHERE partial IS NOT NULL;
CREATE INDEX unsynced_files ON files (project) WHERE unsynced;
CREATE INDEX aside_files ON files (aside) WHERE aside IS NOT NULL;
CREATE INDEX delisted_files ON files (delisted_since) WHERE status = 'delisted';
-- What upstream's changes removed within removal_window_hours; an empty filename is a whole project.
CREATE TABLE removed (
    project TEXT NOT NULL, filename TEXT NOT NULL, moment REAL NOT NULL, PRIMARY KEY (project, filename)
) WITHOUT ROWID;
-- Who asks for which project: an Asked.
CREATE TABLE wanted (project TEXT PRIMARY KEY, asked BLOB NOT NULL) WITHOUT ROWID;
-- What the mirrored releases of projects require: a Requires.
CREATE TABLE requires (project TEXT PRIMARY KEY, requires BLOB NOT NULL) WITHOUT ROWID;
-- What rules of the selection left out of the pages that were last seen.
CREATE TABLE left_out (
    project TEXT NOT NULL, rule TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
    names BLOB NOT NULL,           -- file names by reason, packed
    PRIMARY KEY (project, rule)
) WITHOUT ROWID;
-- What else failed of a project, by what it is about: links to other hosts, by address or host.
CREATE TABLE failures (
    project TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (project, subject)
) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, mode TEXT NOT NULL, started REAL NOT NULL, ended REAL, status INTEGER,
    requests INTEGER, bytes INTEGER, stored INTEGER, adopted INTEGER, removed INTEGER, failed INTEGER,
    vanished_projects INTEGER, vanished_files INTEGER,     -- what left the pages, as upstream has it no more
    deselected_projects INTEGER, deselected_files INTEGER, -- the same, as it is no longer selected
    held_projects INTEGER, held_files INTEGER, held_bytes INTEGER, -- what there was at its end
    summary TEXT, failures TEXT    -- the first failures with their reasons, as JSON
);
-- What there was at the end of each day (UTC) in which that changed: for longer than runs are kept.
CREATE TABLE sizes (
    moment REAL PRIMARY KEY, projects INTEGER NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;

-- What there is of each status, so that nobody has to count: `listed` are projects, the others files.
CREATE TABLE totals (status TEXT PRIMARY KEY, number INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO totals VALUES
    ('listed', 0, 0), ('arriving', 0, 0), ('held', 0, 0), ('failed', 0, 0), ('delisted', 0, 0);
CREATE TRIGGER project_in AFTER INSERT ON projects WHEN new.is_listed BEGIN
    UPDATE totals SET number = number + 1 WHERE status = 'listed';
END;
CREATE TRIGGER project_out AFTER DELETE ON projects WHEN old.is_listed BEGIN
    UPDATE totals SET number = number - 1 WHERE status = 'listed';
END;
CREATE TRIGGER project_moved AFTER UPDATE OF is_listed ON projects WHEN old.is_listed != new.is_listed BEGIN
    UPDATE totals SET number = number + new.is_listed - old.is_listed WHERE status = 'listed';
END;
CREATE TRIGGER file_in AFTER INSERT ON files BEGIN
    UPDATE totals SET number = number + 1, bytes = bytes + coalesce(new.size, 0) WHERE status = new.status;
END;
CREATE TRIGGER file_out AFTER DELETE ON files BEGIN
    UPDATE totals SET number = number - 1, bytes = bytes - coalesce(old.size, 0) WHERE status = old.status;
END;
CREATE TRIGGER file_moved AFTER UPDATE OF status, size ON files
    WHEN old.status != new.status OR old.size IS NOT new.size BEGIN
    UPDATE totals SET number = number - 1, bytes = bytes - coalesce(old.size, 0) WHERE status = old.status;
    UPDATE totals SET number = number + 1, bytes = bytes + coalesce(new.size, 0) WHERE status = new.status;
END;
"""
