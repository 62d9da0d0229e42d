package matrix

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Pace is how the author of an open loop sends: at its own rate, whatever the
// broker does.
type Pace struct {
	// Rate is how many events become due per second.
	Rate float64 `json:"rate,omitempty"`
	// Poisson says that they become due as independent events do, not evenly
	// spaced.
	Poisson bool `json:"poisson,omitempty"`
}

const (
	// MaxRate bounds the rate of an open loop, in events per second.
	MaxRate = 100_000
	// OpenConns is how many connections an open loop may hold at a time, unless
	// it is told otherwise: enough for all that becomes due at 250 events/s while
	// a broker stands still for four seconds. Fewer would make the load wait for
	// the broker, as a closed loop does.
	OpenConns = 1024
	// OpenTime is for how long events become due in a run, unless their number is
	// given.
	OpenTime = 30 * time.Second
	// rateDigits is how many digits behind the point a rate may have, so that
	// it is the same in names, folders and records.
	rateDigits = 4
)

// presets are rates that have a name.
func presets() map[string]float64 {
	return map[string]float64{
		// The average that LSST, the largest survey under way, plans for its alerts.
		"lsst": 250,
		// The paper's experiment on latency: 0.3 s between two events.
		"paper": 3.3333,
	}
}

// Time returns for how long that many events become due.
func (p Pace) Time(events int) time.Duration {
	return time.Duration(float64(events) / p.Rate * float64(time.Second))
}

// Events returns how many events become due in [OpenTime].
func (p Pace) Events() int {
	return min(MaxEvents, max(1, int(math.Round(p.Rate*OpenTime.Seconds()))))
}

const poisson = "poisson"

// name returns what the pace adds to a benchmark's name: "/rate=250" or
// "/rate=250/arrivals=poisson", nothing in a closed loop.
func (p Pace) name() string {
	switch {
	case p.Rate == 0:
		return ""
	case p.Poisson:
		return "/rate=" + FormatRate(p.Rate) + "/arrivals=" + poisson
	}
	return "/rate=" + FormatRate(p.Rate)
}

// parseName reads what name writes.
func (p *Pace) parseName(s string) (err error) {
	rate, arrivals, _ := strings.Cut(strings.TrimPrefix(s, "/rate="), "/arrivals=")
	if *p = (Pace{Poisson: arrivals == poisson}); s != "" {
		p.Rate, err = parseRate(rate)
	}
	return err
}

// dir returns what the pace adds to the name of a folder: "-250r" or
// "-250r-poisson", nothing in a closed loop.
func (p Pace) dir() string {
	switch {
	case p.Rate == 0:
		return ""
	case p.Poisson:
		return "-" + FormatRate(p.Rate) + "r-" + poisson
	}
	return "-" + FormatRate(p.Rate) + "r"
}

// parseDir reads what dir writes.
func (p *Pace) parseDir(s string) (err error) {
	*p = Pace{}
	if s == "" {
		return nil
	}
	text, random := strings.CutSuffix(s, "-"+poisson)
	digits, ok := strings.CutSuffix(strings.TrimPrefix(text, "-"), "r")
	if p.Rate, err = parseRate(digits); err != nil || !ok || p.Rate == 0 || text != "-"+FormatRate(p.Rate)+"r" {
		return fmt.Errorf("rate %q: want -250r or -250r-%s", s, poisson)
	}
	p.Poisson = random
	return nil
}

// FormatRate writes a rate in events per second, without trailing zeros: "250",
// "3.3333".
func FormatRate(rate float64) string { return strconv.FormatFloat(rate, 'f', -1, 64) }

// parseRate reads what [FormatRate] writes.
func parseRate(s string) (float64, error) {
	rate, err := strconv.ParseFloat(s, 64)
	scaled := rate * math.Pow10(rateDigits)
	if err != nil || !(rate > 0 && rate <= MaxRate) || strings.Trim(s, "0123456789.") != "" ||
		math.Abs(scaled-math.Round(scaled)) > 1e-6*scaled || math.Round(scaled) == 0 {
		return 0, fmt.Errorf("%q: want events per second, above 0 and up to %d, with at most %d digits behind "+
			"the point", s, MaxRate, rateDigits)
	}
	return math.Round(scaled) / math.Pow10(rateDigits), nil
}

// ParseRates reads a list of rates in events per second such as "50,250". Two have
// names: "lsst" is 250, "paper" is 3.3333.
func ParseRates(s string) ([]float64, error) {
	var list []float64
	for _, word := range strings.Split(s, ",") {
		word = strings.TrimSpace(word)
		rate, ok := presets()[word]
		if !ok {
			var err error
			if rate, err = parseRate(word); err != nil {
				return nil, fmt.Errorf("%w, or lsst or paper", err)
			}
		}
		for _, have := range list {
			if have == rate {
				return nil, fmt.Errorf("%q: given twice", word)
			}
		}
		list = append(list, rate)
	}
	return list, nil
}
