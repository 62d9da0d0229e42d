package images

import (
	"fmt"
	"net"
	"path"
	"regexp"
	"slices"
	"strings"

	"cometbench/subject"
)

// Ports of the VOEvent Transport Protocol, as a broker has them by default.
const (
	receivePort   = "8098"
	broadcastPort = "8099"
)

// identity is the IVOA identifier that a broker under test is given.
const identity = "ivo://cometbench/broker"

// Dialect is how a Comet is started: what the help of its installed version
// says. A table of releases would be broken by the next one.
type Dialect struct {
	localIVO      bool // knows --local-ivo
	endpoints     bool // --receive and --broadcast take an endpoint
	subscribe     string
	subscribePort bool // the subscription is an endpoint with a port
	eventDB       string
}

var option = regexp.MustCompile(
	`(?m)^\s*(?:-\w(?:[ =]\S+)?, +)?--([a-z][a-z-]*)(=?)(?: ?(\[[A-Za-z:_]+\]|[A-Z][A-Z_]+\b))?`)

// options returns the long options that `twistd comet --help` lists, in order,
// each once, with a "=" behind those that take a value.
func options(help string) []string {
	var list []string
	for _, m := range option.FindAllStringSubmatch(help, -1) {
		name := m[1]
		if m[2] != "" || m[3] != "" {
			name += "="
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// newDialect returns the dialect of a Comet that has these options.
func newDialect(options []string) (Dialect, error) {
	known := make(map[string]bool)
	for _, name := range options {
		known[strings.TrimSuffix(name, "=")] = true
	}
	d := Dialect{
		localIVO:  known["local-ivo"],
		endpoints: slices.Contains(options, "receive="),
	}
	for _, name := range []string{"receive", "broadcast"} {
		if !known[name] {
			return d, fmt.Errorf("twistd comet --help lists no --%s: "+
				"does twisted/plugins/comet_plugin.py import without an error?", name)
		}
	}
	switch {
	case known["subscribe"]:
		d.subscribe, d.subscribePort = "subscribe", true
	case known["remote"]:
		d.subscribe = "remote"
	default:
		return d, fmt.Errorf("twistd comet --help knows neither --subscribe nor --remote, only %q", options)
	}
	for _, name := range []string{"eventdb", "eventdb-path", "event-db"} {
		if known[name] {
			d.eventDB = name
			return d, nil
		}
	}
	return d, fmt.Errorf("twistd comet --help knows no --eventdb, only %q", options)
}

// twistd is what every command begins with: no daemon, no pid file on a file
// system that may be read-only, and the reactor that the paper used.
func (d Dialect) twistd(log string) []string {
	return []string{"twistd", "-n", "--pidfile=", "--reactor=epoll", "--logfile=" + log, "comet"}
}

func (d Dialect) common(args []string, eventDB string) []string {
	if d.localIVO {
		args = append(args, "--local-ivo="+identity)
	}
	return append(args, "--"+d.eventDB+"="+eventDB)
}

// BrokerCommand returns the command that receives and broadcasts events,
// keeps its event databases in the folder eventDB, and logs to the file log. It
// has the arguments of the subject.
func (d Dialect) BrokerCommand(b subject.Subject, eventDB, log string) []string {
	args := d.common(d.twistd(log), eventDB)
	if d.endpoints {
		args = append(args, "--receive=tcp:"+receivePort, "--broadcast=tcp:"+broadcastPort)
	} else {
		args = append(args, "--receive", "--broadcast")
	}
	if b.Has(saveEvent) && !b.Has(saveFolder) {
		// By default it is the working directory, which is eventDB: that is to
		// hold databases only.
		args = append(args, "--"+saveFolder+"="+path.Dir(log))
	}
	return append(args, b.Arguments...)
}

// The options of a Comet's plugin that writes each event into a file of its own.
const (
	saveEvent  = "save-event"
	saveFolder = "save-event-directory"
)

// SubscriberCommand returns the command that subscribes to the broker on host.
func (d Dialect) SubscriberCommand(host, eventDB, log string) []string {
	remote := host
	if d.subscribePort {
		remote = "tcp:" + net.JoinHostPort(host, broadcastPort)
	}
	return append(d.common(d.twistd(log), eventDB), "--"+d.subscribe+"="+remote)
}
