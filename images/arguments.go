package images

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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
		out, err := bu.output(ctx, im.ID, command)
		text := string(out)
		var exit *exitError
		switch {
		case errors.As(err, &exit):
			text += "\n\n" + exit.stderr
		case err != nil:
			return fmt.Errorf("try the arguments %q: %w", im.Subject.Arguments, err)
		}
		// Older versions of Twisted say what is wrong, and end with exit code 0.
		if err != nil || usageError.MatchString(text) {
			return fmt.Errorf("it refuses its arguments %q: %s", im.Subject.Arguments, refusal(text))
		}
	}
	return nil
}

// usageError begins the line that Twisted prints behind the usage.
var usageError = regexp.MustCompile(`(?m)^\S*twistd(?: -n)?: `)

// refusal returns what a program says last: what follows the usage that Twisted
// prints first, or the last line, where an exception is.
func refusal(text string) string {
	if at := usageError.FindStringIndex(text); at != nil {
		text, _, _ = strings.Cut(text[at[1]:], "\n\n")
		return strings.Join(strings.Fields(text), " ")
	}
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
