package images

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cometbench/subject"
)

//go:embed python2.Dockerfile
var python2Dockerfile []byte

//go:embed python2.build.lock.txt
var python2BuildLock lock

//go:embed python2.lock.txt
var python2Lock lock

//go:embed python2.sitecustomize.py
var python2Sitecustomize []byte

//go:embed python3.Dockerfile
var python3Dockerfile []byte

//go:embed python3.lock.txt
var python3Lock lock

//go:embed comet.lock.txt
var cometLock lock

// recipe is all that an image of a Comet is made from.
type recipe struct {
	python string // "2.7"
	files  []file // what the build reads, besides certificates and the source
	source []file // of a source tree, sorted by name
}

type file struct {
	name string // below the tree, slash-separated
	mode fs.FileMode
	body []byte
}

// newRecipe returns the recipe of a broker. A source tree, the folder source,
// is read whole.
func newRecipe(b subject.Subject, source string) (*recipe, error) {
	r := &recipe{python: b.Python}
	comet := "Comet==" + b.Version
	comet = cmp.Or(cometLock.find(comet), comet)
	if source != "" {
		files, err := readSource(source)
		if err != nil {
			return nil, err
		}
		r.source, comet = files, "/build/source"
	}
	if r.python == "" {
		r.python = "3.11"
		if generation(b, r.source) < 3 {
			r.python = "2.7"
		}
	}
	dockerfile, build, packages := python3Dockerfile, lock(""), python3Lock
	if strings.HasPrefix(r.python, "2.") {
		dockerfile, build, packages = python2Dockerfile, python2BuildLock, python2Lock
		r.files = append(r.files, file{"build.lock.txt", 0o644, []byte(build)},
			file{"site/sitecustomize.py", 0o644, python2Sitecustomize})
	}
	constraints := (build + packages).constraints()
	if b.Twisted != "" {
		packages = packages.without("twisted")
		constraints = (build + packages).constraints() + "twisted==" + b.Twisted + "\n"
	}
	r.files = append(r.files, file{"Dockerfile", 0o644, dockerfile}, file{"lock.txt", 0o644, []byte(packages)},
		file{"constraints.txt", 0o644, []byte(constraints)}, file{"comet.txt", 0o644, []byte(comet)})
	return r, nil
}

// generation returns the generation of Python that a Comet is written for: 2 up
// to its release 2, 3 since. A source tree says its version in comet/__init__.py
// (as __version__, or version_info), and is taken to be new if it doesn't.
func generation(b subject.Subject, source []file) int {
	v := b.Version
	for _, f := range source {
		if f.name == "comet/__init__.py" {
			v = sourceVersion(string(f.body))
		}
	}
	major, err := strconv.Atoi(strings.SplitN(v, ".", 2)[0])
	if err == nil && major < 3 {
		return 2
	}
	return 3
}

func sourceVersion(text string) string {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		switch strings.TrimSpace(name) {
		case "__version__", "version", "version_info":
			value = strings.Trim(strings.TrimSpace(value), "\"'()[]")
			return strings.TrimSpace(strings.FieldsFunc(value+".",
				func(r rune) bool { return r == '.' || r == ',' })[0])
		}
	}
	return ""
}

// maxSource bounds a source tree: Comet's is below one megabyte.
const maxSource = 64 << 20 // bytes

// readSource reads a source tree without what doesn't belong to it: version
// control, byte code, what was built.
func readSource(dir string) ([]file, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s", dir)
	}
	for _, name := range []string{"setup.py", "pyproject.toml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return walkSource(dir)
		}
	}
	return nil, fmt.Errorf("%s holds neither setup.py nor pyproject.toml: "+
		"name the top folder of a source tree of Comet", dir)
}

// foreign are the folders of a source tree that are no source.
var foreign = []string{".git", ".hg", ".tox", "__pycache__", "build", "dist", "venv", ".venv"}

func walkSource(dir string) ([]file, error) {
	var files []file
	size := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && path != dir && (slices.Contains(foreign, name) || strings.HasSuffix(name, ".egg-info")):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(name, ".pyc"):
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if size += len(body); size > maxSource {
			return fmt.Errorf("%s holds more than %d bytes: is it a source tree of Comet?", dir, maxSource)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files = append(files, file{filepath.ToSlash(name), info.Mode().Perm() & 0o755, body})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// digest returns 12 hex digits that differ where recipes, or the sources in
// them, differ.
func (r *recipe) digest() string {
	h := sha256.New()
	// What lacks these labels is made anew.
	fmt.Fprintln(h, r.python, pinnedBase(r.python), labelOptions, labelInstalled)
	for _, f := range r.files {
		fmt.Fprintf(h, "%s\n%d\n%s", f.name, len(f.body), f.body)
	}
	fmt.Fprintln(h, r.sourceDigest())
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// sourceDigest returns 12 hex digits of a source tree's content, "" without one.
func (r *recipe) sourceDigest() string {
	if r.source == nil {
		return ""
	}
	h := sha256.New()
	for _, f := range r.source {
		fmt.Fprintf(h, "%s\n%o\n%d\n%s", f.name, f.mode, len(f.body), f.body)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// context returns the build's context as a tar archive. The certificates of
// caBundle are in it for the build's first stage only.
func (r *recipe) context(caBundle string) (io.Reader, error) {
	var ca []byte
	if caBundle != "" {
		var err error
		if ca, err = os.ReadFile(caBundle); err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
	}
	files := append(slices.Clone(r.files), file{"ca.crt", 0o644, ca})
	for _, f := range r.source {
		f.name = "source/" + f.name
		files = append(files, f)
	}
	return archive(files)
}

func archive(files []file) (io.Reader, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Name: f.name, Mode: int64(f.mode), Size: int64(len(f.body)),
			Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(f.body)
		}
		if err != nil {
			return nil, err
		}
	}
	return &buf, errors.Join(w.Close())
}
