package images

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// tryArguments lets a Comet read the subject's arguments, so that those that it
// refuses are known before anything is measured. The error has its own words.
func (bu *Builder) tryArguments(ctx context.Context, im *Image) error {
	if len(im.Subject.Arguments) == 0 {
		return nil
	}
	bare := im.Dialect.BrokerCommand(im.Subject.Bare(), "/tmp", "/tmp/log")
	for _, command := range [][]string{
		// It refuses unknown options and missing values before it heeds any, then
		// prints its version and ends.
		slices.Concat(bare, []string{"--version"}, im.Subject.Arguments),
		// It heeds all, and then does so.
		slices.Concat(bare, im.Subject.Arguments, []string{"--version"}),
	} {
		if out, err := bu.output(ctx, im.ID, command); err != nil {
			return fmt.Errorf("it refuses its arguments %q: %s", im.Subject.Arguments,
				refusal(string(out)+"\n\n"+err.Error()))
		}
	}
	return nil
}

// refusal returns what a program says last: what follows the usage that Twisted
// prints first, or the last line, where an exception is.
func refusal(text string) string {
	const name = "twistd -n: "
	if i := strings.LastIndex(text, name); i >= 0 {
		text, _, _ = strings.Cut(text[i+len(name):], "\n\n")
		return strings.Join(strings.Fields(text), " ")
	}
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
