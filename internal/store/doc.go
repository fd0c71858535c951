// Package store keeps what all servers share, in a SQLite file or a PostgreSQL
// database: the objects of the configuration in all of their revisions,
// overrides, the journal, the audit, who decides, samples and decisions; and who may
// change them: customers, plans, users, tokens, and the names that are whose.
//
// It knows nothing of the Corefile's language: an object's text is opaque to it.
// What people may see and write is enforced here: they come in through a View.
//
// Every call ends with its context, and after ten seconds at most if that has
// no deadline; calls that move many objects get more. None is tried again after
// its outcome is in doubt: that is for the caller to decide.
package store
