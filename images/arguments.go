package images

import (
	"context"
	"fmt"
	"strings"
)

// tryArguments lets a Comet read the subject's arguments, so that those that it
// refuses are known before anything is measured. The error has its own words.
func (bu *Builder) tryArguments(ctx context.Context, im *Image) error {
	if len(im.Subject.Arguments) == 0 {
		return nil
	}
	// It reads all of them, prints its version and ends, unless the last one has
	// taken --version for its value.
	command := append([]string{"timeout", "30"}, im.Dialect.BrokerCommand(im.Subject, "/tmp", "/tmp/log")...)
	out, err := bu.output(ctx, im.ID, append(command, "--version"))
	if err == nil {
		return nil
	}
	text := string(out) + "\n\n" + err.Error()
	if strings.Contains(err.Error(), "exit code 124") {
		text = "it ran on: is a value missing behind the last one?"
	}
	return fmt.Errorf("it refuses its arguments %q: %s", im.Subject.Arguments, refusal(text))
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
