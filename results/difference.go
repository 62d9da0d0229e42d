package results

import (
	"fmt"
	"strconv"
	"strings"
)

// Difference says in which setting two runs of one cell differ, with both values:
// "events: 20, not 40". It is "" where they were made alike, so that one mean
// may hold them.
func (r *Run) Difference(from *Run) string {
	theirs := from.asked()
	for i, c := range r.asked() {
		// Some are known only of a run that was made.
		if other := theirs[i].Value; c.Value != other && c.Value != "" && other != "" {
			return fmt.Sprintf("%s: %s, not %s", c.Key, c.Value, other)
		}
	}
	if d := difference(r.machine(), from.machine()); d != "" {
		return d
	}
	if d := difference(r.installed(), from.installed()); d != "" {
		return d
	}
	if r.Software.Image != from.Software.Image {
		return fmt.Sprintf("image: %s, not %s", orNone(r.Software.Image), orNone(from.Software.Image))
	}
	if r.Cell != from.Cell {
		return fmt.Sprintf("cell: %+v, not %+v", r.Cell, from.Cell)
	}
	return ""
}

// SubjectDifference says in which software two runs of one broker differ, made on
// whatever machines: "" if the broker and what measured it were the same. Images
// of the same software that different machines have built are.
func (r *Run) SubjectDifference(from *Run) string { return difference(r.installed(), from.installed()) }

// Kind says on what kind of machine the run was made: figures that a machine
// bounds can be compared within one kind only.
func (r *Run) Kind() string {
	var words []string
	for _, c := range r.machine() {
		if c.Value != "" {
			words = append(words, c.Key+": "+c.Value)
		}
	}
	return strings.Join(words, "; ")
}

// asked is what two runs of one cell have in common besides the cell's name.
func (r *Run) asked() []ConfigLine { return r.lines(func(k configKey) bool { return !k.machine }) }

// machine is what is known of the machine.
func (r *Run) machine() []ConfigLine {
	return append(r.lines(func(k configKey) bool { return k.machine }),
		ConfigLine{"goos", r.Machine.OS},
		ConfigLine{"goarch", r.Machine.Arch},
		ConfigLine{"gomaxprocs", strconv.Itoa(r.Machine.Procs)})
}

// installed is what was under test, and what measured it.
func (r *Run) installed() []ConfigLine {
	commit := strings.TrimSuffix(r.Program.Commit, "+changes") // even a new tree of results is a change
	return []ConfigLine{
		{"software", r.Software.String()},
		{"cometbench", strings.TrimSpace(r.Program.Version + " " + commit)},
	}
}

// lines returns those lines of the run's configuration, also where a value is "".
func (r *Run) lines(want func(configKey) bool) []ConfigLine {
	var list []ConfigLine
	for _, k := range configKeys() {
		if want(k) {
			list = append(list, ConfigLine{k.name, k.of(r)})
		}
	}
	return list
}

// difference returns the first value that differs, with the other's, of lines with
// the same keys.
func difference(have, want []ConfigLine) string {
	for i, c := range have {
		if other := want[i].Value; c.Value != other {
			return fmt.Sprintf("%s: %s, not %s", c.Key, orNone(c.Value), orNone(other))
		}
	}
	return ""
}

// orNone makes no value visible.
func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}
