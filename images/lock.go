package images

import "strings"

// lock is a file of requirements for pip. Each names a version, and the hashes of
// all its files, whatever the machine: pip takes nothing else.
//
// For Python 3, "uv pip compile --no-deps --universal --generate-hashes" makes the
// file of a list of versions. It leaves out what only Python 2 can use: there, the
// hashes are those of the registry's own list of a package's files.
type lock string

// entries returns the requirements, each with the lines of its hashes.
func (l lock) entries() (list []string) {
	for line := range strings.Lines(string(l)) {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " "):
			list[len(list)-1] += line
		default:
			list = append(list, line)
		}
	}
	return list
}

// find returns the requirement of a package's version, "" if there is none.
func (l lock) find(requirement string) string {
	for _, entry := range l.entries() {
		if strings.HasPrefix(entry, strings.ToLower(requirement)+" ") {
			return entry
		}
	}
	return ""
}

// without returns the lock without a package.
func (l lock) without(name string) (rest lock) {
	for _, entry := range l.entries() {
		if !strings.HasPrefix(entry, name+"==") {
			rest += lock(entry)
		}
	}
	return rest
}

// constraints returns the versions alone, one a line: hashes would forbid pip
// everything that has none.
func (l lock) constraints() (text string) {
	for _, entry := range l.entries() {
		requirement, _, _ := strings.Cut(entry, " ")
		text += requirement + "\n"
	}
	return text
}
