package subject

import (
	"fmt"
	"strings"
)

// Software is what was under test.
type Software struct {
	Comet   string `json:"comet,omitempty"`
	Python  string `json:"python,omitempty"`
	Twisted string `json:"twisted,omitempty"`
	// Image is the container image's id, "" where there is none.
	Image string `json:"image,omitempty"`
	// Installed is a digest of the Python and of all files that are installed,
	// "" where that isn't known: where it is equal, the same program runs.
	Installed string `json:"installed,omitempty"`
	// Arguments are those that a Comet was given besides what every experiment
	// gives it.
	Arguments []string `json:"arguments,omitempty"`
}

// String returns what was under test in one line, "" where nothing is known.
func (s Software) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"Comet", s.Comet}, {"Python", s.Python}, {"Twisted", s.Twisted}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if len(s.Arguments) > 0 {
		parts = append(parts, fmt.Sprintf("arguments %q", s.Arguments))
	}
	return strings.Join(parts, ", ")
}
