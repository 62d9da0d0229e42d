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

// WriteConfig writes the lines of a benchmark's configuration.
func WriteConfig(w io.Writer, config []ConfigLine) error {
	for _, c := range config {
		if _, err := fmt.Fprintf(w, "%s: %s\n", c.Key, c.Value); err != nil {
			return err
		}
	}
	return nil
}

// alternative stands between the values of a key where runs differ in it.
const alternative = " | "

// Configs returns the configuration of runs as their benchmark prints it,
// before the first record: the same lines for every broker, since benchstat
// makes a table of its own of every combination. What is under test has a key
// for each broker that needs one:
//
//	comet-3.1.0: Comet 3.1.0, Python 3.11.2, Twisted 24.11.0
//
// A value that not all runs know (the kind of netem is known of those with
// latency only) is that of the others. Where runs differ in a value (kernels,
// say), all stand beside each other in its line.
func Configs(runs []*Run) []ConfigLine {
	list := new(configList)
	for _, r := range runs {
		list.add(r)
	}
	return list.configs()
}

// configList gathers the configuration of runs.
type configList struct {
	lines   []ConfigLine
	brokers map[string]string // by key
}

func (l *configList) add(r *Run) {
	for _, c := range r.config() {
		i := slices.IndexFunc(l.lines, func(have ConfigLine) bool { return have.Key == c.Key })
		switch {
		case i < 0:
			l.lines = append(l.lines, c)
		case !slices.Contains(strings.Split(l.lines[i].Value, alternative), c.Value):
			l.lines[i].Value += alternative + c.Value
		}
	}
	if text := r.Software.String(); text != "" {
		if l.brokers == nil {
			l.brokers = make(map[string]string)
		}
		key := configKey(r.Cell.Broker)
		switch have := l.brokers[key]; {
		case have == "":
			l.brokers[key] = text
		case !slices.Contains(strings.Split(have, alternative), text):
			l.brokers[key] = have + alternative + text
		}
	}
}

func (l *configList) configs() []ConfigLine {
	order := configKeys()
	list := slices.Clone(l.lines)
	slices.SortStableFunc(list, func(a, b ConfigLine) int {
		return slices.Index(order, a.Key) - slices.Index(order, b.Key)
	})
	for _, key := range slices.Sorted(maps.Keys(l.brokers)) {
		list = append(list, ConfigLine{key, l.brokers[key]})
	}
	return list
}

// configKeys returns the keys of config, in the order in which they are
// printed.
func configKeys() []string {
	return []string{"events", "kernel", "engine", "netem", "host-cpu", "host-cores", "host-idle", "pinned"}
}

// config returns what is known of one run's configuration, without what was
// under test.
func (r *Run) config() []ConfigLine {
	c := []ConfigLine{{"events", strconv.Itoa(r.Cell.Events)}}
	add := func(key, value string) {
		if value != "" {
			c = append(c, ConfigLine{key, value})
		}
	}
	add("kernel", r.Machine.Kernel)
	add("engine", r.Machine.Engine)
	if r.Cell.Latency > 0 {
		add("netem", r.Netem)
	}
	add("host-cpu", r.Machine.CPU)
	if r.Machine.Cores > 0 {
		add("host-cores", strconv.Itoa(r.Machine.Cores))
	}
	add("host-idle", r.Machine.Idle)
	add("pinned", r.Pinned)
	return c
}

// configKey makes a configuration key of a broker's label: keys begin with a
// lower case letter and hold no space, colon or upper case letter.
func configKey(label string) string {
	key := strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(label), "-")), ":", "-")
	if key == "" || key[0] < 'a' || key[0] > 'z' {
		key = "broker-" + key
	}
	return key
}
