package embedded

// isTemporary reports whether accepting failed for a reason that passes.
func isTemporary(error) bool { return false }
