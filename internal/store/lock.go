package store

// inUse says that another process has what was to be locked.
type inUse struct{ pid string }

func (u *inUse) Error() string { return "it is in use by process " + u.pid }
