package results

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ConfigLine is one line of a benchmark's configuration.
type ConfigLine struct{ Key, Value string }

// notePrefix begins the lines of configuration that benchstat must not see.
const notePrefix = "# "

// String returns the line as benchmarks print it. benchstat makes a table of its
// own of every combination of values, so that two outputs are compared only
// where these are equal. Therefore a line is configuration only where different
// values make a comparison meaningless: another machine, another number of
// events. What differs between any two versions of a broker, or follows from
// what was found on the machine, is a note:
//
//	kernel: 6.1.0
//	# comet-3.1.0: Comet 3.1.0, Python 3.11.2, Twisted 24.11.0
func (c ConfigLine) String() string { return c.prefix() + c.Key + ": " + c.Value }

// prefix returns what stands before the line: notePrefix, or nothing.
func (c ConfigLine) prefix() string {
	if k := c.key(); k != nil && !k.note {
		return ""
	}
	return notePrefix
}

// key returns the line's key, nil if it is a broker's.
func (c ConfigLine) key() *configKey {
	keys := configKeys()
	if i := slices.IndexFunc(keys, func(k configKey) bool { return k.name == c.Key }); i >= 0 {
		return &keys[i]
	}
	return nil
}

// WriteConfig writes the lines of a benchmark's configuration.
func WriteConfig(w io.Writer, config []ConfigLine) error {
	for _, c := range config {
		if _, err := fmt.Fprintln(w, c); err != nil {
			return err
		}
	}
	return nil
}

// alternative separates the values of a key in which runs differ.
const alternative = " | "

// Configs returns the configuration of runs as their benchmark prints it,
// before the first record: the same lines for every broker. What is under test
// has a key for each broker that needs one.
//
// A value that not all runs know (the kind of netem is known of those with
// latency only) is that of the others. Where runs differ in a value (kernels,
// say), its line has all of them.
func Configs(runs []*Run) []ConfigLine {
	list := new(configList)
	for _, r := range runs {
		list.add(r)
	}
	return list.configs()
}

// configList gathers the configuration of runs.
type configList struct {
	values map[string][]string // by key, as met
}

// line adds a line.
func (l *configList) line(key, value string) {
	if l.values == nil {
		l.values = make(map[string][]string)
	}
	for _, v := range strings.Split(value, alternative) {
		if v != "" && !slices.Contains(l.values[key], v) {
			l.values[key] = append(l.values[key], v)
		}
	}
}

// add adds the lines of a run.
func (l *configList) add(r *Run) {
	for _, c := range r.config() {
		l.line(c.Key, c.Value)
	}
	l.line(brokerKey(r.Cell.Broker), r.Software.String())
}

// configs returns the lines: those of [configKeys] in their order, then those of
// brokers and others by name.
func (l *configList) configs() []ConfigLine {
	var list []ConfigLine
	rest := maps.Clone(l.values)
	add := func(key string) {
		if values := rest[key]; len(values) > 0 {
			list = append(list, ConfigLine{key, strings.Join(values, alternative)})
		}
		delete(rest, key)
	}
	for _, k := range configKeys() {
		add(k.name)
	}
	for _, key := range slices.Sorted(maps.Keys(rest)) {
		add(key)
	}
	return list
}

// AuthorEngine is the key of the author's engine, where that is another than the
// broker's.
const AuthorEngine = "author-engine"

// configKey is a key of configuration that isn't a broker's.
type configKey struct {
	name    string
	note    bool
	machine bool              // it is of the machine, not of what was asked for
	of      func(*Run) string // "" where it isn't known
}

// configKeys returns the keys in the order in which they are printed.
func configKeys() []configKey {
	return []configKey{
		{"events", false, false, func(r *Run) string { return strconv.Itoa(r.Cell.Events) }},
		{"payload", false, false, func(r *Run) string { return r.Cell.Payload }},
		{"event-bytes", false, false, func(r *Run) string { return r.Payload.String() }},
		{"kernel", false, true, func(r *Run) string { return r.Machine.Kernel }},
		{"engine", false, true, func(r *Run) string { return r.Machine.Engine }},
		{"netem", true, false, func(r *Run) string {
			if r.Cell.Latency == 0 {
				return ""
			}
			return r.Netem
		}},
		{"host-cpu", false, true, func(r *Run) string { return r.Machine.CPU }},
		{"host-cores", false, true, func(r *Run) string {
			if r.Machine.Cores == 0 {
				return ""
			}
			return strconv.Itoa(r.Machine.Cores)
		}},
		{AuthorEngine, false, true, func(r *Run) string { return r.authorMachine().Engine }},
		{"author-kernel", false, true, func(r *Run) string { return r.authorMachine().Kernel }},
		{"author-cores", false, true, func(r *Run) string {
			if r.AuthorMachine == nil {
				return ""
			}
			return strconv.Itoa(r.AuthorMachine.Cores)
		}},
		{"host-idle", false, true, func(r *Run) string { return r.Machine.Idle }},
		{"pinned", false, true, func(r *Run) string { return r.Pinned }},
	}
}

// authorMachine returns the author's machine where that isn't the others', else one
// of which nothing is known.
func (r *Run) authorMachine() Machine {
	if r.AuthorMachine == nil {
		return Machine{}
	}
	return *r.AuthorMachine
}

// config returns what is known of one run's configuration, without what was
// under test.
func (r *Run) config() []ConfigLine {
	var list []ConfigLine
	for _, k := range configKeys() {
		if value := k.of(r); value != "" {
			list = append(list, ConfigLine{k.name, value})
		}
	}
	return list
}

// brokerKey makes a configuration key of a broker's label: keys begin with a
// lower case letter and have no space, colon or upper case letter.
func brokerKey(label string) string {
	key := strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(label), "-")), ":", "-")
	if key == "" || key[0] < 'a' || key[0] > 'z' {
		key = "broker-" + key
	}
	return key
}
