package netem

import "errors"

// ErrUnsupported is what [errors.Is] finds in an error that says what this
// machine lacks: a capability, a kernel module, the right to make network
// namespaces. The error's text says what to do about it.
var ErrUnsupported = errors.New("not supported here")

// unsupported is an [ErrUnsupported]. As JSON it passes from one process to
// another.
type unsupported struct {
	Missing string `json:"missing"`          // such as "the capability NET_ADMIN"
	Cause   string `json:"cause,omitempty"`  // what the system answered
	Remedy  string `json:"remedy,omitempty"` // what to do
}

func (e *unsupported) Error() string {
	text := e.Missing + " is missing"
	if e.Cause != "" {
		text += " (" + e.Cause + ")"
	}
	if e.Remedy != "" {
		text += ": " + e.Remedy
	}
	return text
}

// Is reports whether target is [ErrUnsupported].
func (e *unsupported) Is(target error) bool { return target == ErrUnsupported }
