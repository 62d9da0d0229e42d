package embedded

// isTemporary reports whether accepting a connection or creating a file failed for
// a reason that passes.
func isTemporary(error) bool { return false }
