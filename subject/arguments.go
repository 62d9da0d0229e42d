package subject

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// WithArguments returns the subject, a Comet, with further arguments, which are
// written on one line as for a shell: white space parts words, quotes of either
// kind keep them together, and a backslash takes away the meaning of what follows
// it, but not within single quotes. Nothing else has a meaning. They are part of
// the label: two lists of arguments are two subjects.
//
// Arguments that an experiment gives itself are refused by name.
func (b Subject) WithArguments(line string) (Subject, error) {
	args, err := words(line)
	if err == nil {
		err = checkArguments(args)
	}
	if err == nil && len(args) > 0 && !b.IsComet() {
		err = errors.New("only a Comet takes arguments")
	}
	if err != nil {
		return b, fmt.Errorf("broker %q: arguments %q: %w", b.Name, line, err)
	}
	bare := strings.TrimSuffix(b.Label, b.choice())
	b.Arguments = slices.Concat(b.Arguments, args)
	b.Label = bare + b.choice()
	return b, nil
}

// Bare returns the subject without its arguments: what is installed.
func (b Subject) Bare() Subject {
	label := strings.TrimSuffix(b.Label, b.choice())
	b.Arguments = nil
	b.Label = label + b.choice()
	return b
}

// Has reports whether an option, such as save-event, is among the arguments.
func (b Subject) Has(option string) bool {
	return slices.ContainsFunc(b.Arguments, func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return name == "--"+option
	})
}

const longestNames = 40 // of options in a label, in bytes

// argumentsLabel names arguments in a label: by their options, for a person, and
// a digest of all.
func argumentsLabel(args []string) string {
	if len(args) == 0 {
		return ""
	}
	digest := sha256.New()
	names := ""
	for _, arg := range args {
		fmt.Fprintf(digest, "%d\n%s", len(arg), arg)
		if option, ok := strings.CutPrefix(arg, "-"); ok {
			name, _, _ := strings.Cut(option, "=")
			names += "+" + clean(name)
		}
	}
	if names = names[:min(len(names), longestNames)]; names == "" {
		names = "+"
	}
	return names + "-" + hex.EncodeToString(digest.Sum(nil))[:8]
}

// owned are the options of any Comet that an experiment gives itself, or that
// keep it from running. A Comet takes the beginning of a name for the whole.
var owned = []string{
	"receive", "receive-port", "broadcast", "broadcast-port", "remote", "subscribe", "local-ivo", "eventdb",
	"eventdb-path", "event-db", "help", "version",
}

// ownedLetters are the short ones.
const ownedLetters = "rbh"

func checkArguments(args []string) error {
	for _, arg := range args {
		long, isLong := strings.CutPrefix(arg, "--")
		name, _, _ := strings.Cut(long, "=")
		short, isShort := strings.CutPrefix(arg, "-")
		for _, own := range owned {
			if isLong && name != "" && strings.HasPrefix(own, name) {
				return fmt.Errorf("%s: the benchmark gives --%s itself", arg, own)
			}
		}
		if isShort && !isLong && strings.ContainsAny(short, ownedLetters) {
			return fmt.Errorf("%s: the benchmark gives -r, -b and -h itself", arg)
		}
	}
	return nil
}

// words splits a line as [Subject.WithArguments] says.
func words(line string) ([]string, error) {
	var list []string
	var word []byte
	begun := false // also by quotes with nothing between them
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'':
			if i++; i == len(line) {
				return nil, errors.New(`a \ with nothing behind it`)
			}
			word, begun = append(word, line[i]), true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if begun {
				list = append(list, string(word))
			}
			word, begun = nil, false
		default:
			word, begun = append(word, c), true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c isn't closed", quote)
	}
	if begun {
		list = append(list, string(word))
	}
	return list, nil
}
