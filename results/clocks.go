package results

import (
	"fmt"
	"time"
)

// Clocks says how the clocks of two machines stood to each other during a run: that
// of broker and subscriber was ahead of the author's by Offset, give or take Error.
// Times of journeys are those of the former. What is reckoned from times of both has
// twice the error as its resolution.
type Clocks struct {
	Offset time.Duration `json:"offset_ns"`
	Error  time.Duration `json:"error_ns"`
}

// String says it in words.
func (c *Clocks) String() string {
	word := "ahead of"
	if c.Offset < 0 {
		word = "behind"
	}
	return fmt.Sprintf("the broker's clock is %v %s the author's, give or take %v",
		c.Offset.Abs().Round(time.Microsecond), word, c.Error.Round(time.Microsecond))
}
