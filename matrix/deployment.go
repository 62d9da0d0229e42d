package matrix

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxSubscribers bounds the subscribers of a run. All but one share a process,
// and each takes a connection in it and in the broker.
const MaxSubscribers = 4096

// Deployment is what may be unusual around a broker. Its zero value is the
// paper's experiment, and isn't named.
type Deployment struct {
	// Further is how many subscribers there are besides the one whose event
	// database is read.
	Further int `json:"further_subscribers,omitempty"`
	// Payload names the events that are sent, "" for the benchmark's own. It ends
	// in a digest of them.
	Payload string `json:"payload,omitempty"`
	// Kept says that connections are kept open for one event after another.
	Kept bool `json:"kept_open,omitempty"`
}

// Subscribers returns how many subscribers there are.
func (d Deployment) Subscribers() int { return 1 + d.Further }

// RoundTrips returns how many round trips an event takes: that of its connection,
// and its own.
func (d Deployment) RoundTrips() int {
	if d.Kept {
		return 1
	}
	return 2
}

// The names of its parts, and of a kept connection.
const (
	subscribersKey = "subscribers"
	payloadKey     = "payload"
	connectionKey  = "connection"
	kept           = "kept"
)

// suffix returns what is unusual, each part behind a separator.
func (d Deployment) suffix(separator string) (text string) {
	if d.Further > 0 {
		text += separator + subscribersKey + "=" + strconv.Itoa(d.Subscribers())
	}
	if d.Payload != "" {
		text += separator + payloadKey + "=" + d.Payload
	}
	if d.Kept {
		text += separator + connectionKey + "=" + kept
	}
	return text
}

// parseDeployment reads what suffix returns with slashes.
func parseDeployment(text string) (d Deployment, err error) {
	if text == "" {
		return d, nil
	}
	for _, part := range strings.Split(text[1:], "/") {
		key, value, _ := strings.Cut(part, "=")
		n, numberErr := strconv.Atoi(value)
		switch {
		case key == subscribersKey && numberErr == nil && n > 1 && n <= MaxSubscribers:
			d.Further = n - 1
		case key == payloadKey && value != "":
			d.Payload = value
		case key == connectionKey && value == kept:
			d.Kept = true
		default:
			return Deployment{}, fmt.Errorf("got %q, want subscribers=16, payload=NAME or connection=kept", part)
		}
	}
	if d.suffix("/") != text {
		return Deployment{}, fmt.Errorf("got %q, want it as %q", text, d.suffix("/"))
	}
	return d, nil
}

// ParseSeries reads what [Cell.Series] returns, into a cell without latency and
// connections. A name without a deployment is a broker's, whatever it is.
func ParseSeries(name string) Cell {
	broker, rest, found := strings.Cut(name, "/")
	if d, err := parseDeployment("/" + rest); found && err == nil {
		return Cell{Broker: broker, Deployment: d}
	}
	return Cell{Broker: name}
}

// ParseSubscribers reads a list such as "1,16,256".
func ParseSubscribers(s string) ([]int, error) {
	var list []int
	for _, word := range strings.Split(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > MaxSubscribers {
			return nil, fmt.Errorf("%q: want numbers of subscribers from 1 to %d, such as 1,16", word, MaxSubscribers)
		}
		if slices.Contains(list, n) {
			return nil, fmt.Errorf("%q: given twice", word)
		}
		list = append(list, n)
	}
	return list, nil
}
