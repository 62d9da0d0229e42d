package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/subject"

	"github.com/ory/dockertest/v3/docker"
)

// Labels of the images, which say what is in them.
const (
	labelComet   = "cometbench.comet"
	labelPython  = "cometbench.python"
	labelTwisted = "cometbench.twisted"
	labelRecipe  = "cometbench.recipe" // digest of what it was made from
	// Digest of the files that are installed.
	labelInstalled = "cometbench.installed"
	// Those that its twistd comet takes, one word each: Podman changes labels
	// of several lines.
	labelOptions = "cometbench.options"
)

// repository is where images are tagged.
const repository = "cometbench/comet"

// Builder makes images on an engine, and finds those that it has made before.
type Builder struct {
	Client *docker.Client
	// Owner is the label's value of what is removed again: the container that
	// tells what an image holds, the first stage of its build, and the image of
	// [Builder.Author].
	Owner string
	// Dir is the folder that git repositories are cloned into, by default the
	// usual one for temporary files.
	Dir string
	// CABundle is a file of certificates to trust during the build; by
	// default [CABundle] finds it.
	CABundle string
}

// labels returns the labels of what is removed again.
func (bu *Builder) labels() map[string]string { return map[string]string{owner.LabelOwner: bu.Owner} }

// Image is an image that holds a Comet.
type Image struct {
	ID, Tag  string
	Subject  subject.Subject // its label holds the digest of its sources
	Software subject.Software
	Dialect  Dialect
}

// Ensure returns the image of a broker of kind Release, Source or Git. It is
// built the first time that its version, or the content of its source tree, is
// asked for, and found afterwards.
func (bu *Builder) Ensure(ctx context.Context, b subject.Subject) (*Image, error) {
	source := ""
	switch b.Kind {
	case subject.Release:
	case subject.Source:
		source = b.Path
	case subject.Git:
		dir, err := os.MkdirTemp(bu.Dir, "cometbench-git-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		if err := clone(ctx, b, dir); err != nil {
			return nil, err
		}
		source = dir
	default:
		return nil, errors.New("no Comet to build")
	}
	r, err := newRecipe(b, source)
	if err != nil {
		return nil, err
	}
	if digest := r.sourceDigest(); digest != "" {
		b = b.WithDigest(digest)
	}
	tag := repository + ":" + tagOf(b.Bare().Label) + "-" + r.digest()
	im, err := bu.find(ctx, b, tag)
	if errors.Is(err, docker.ErrNoSuchImage) {
		if err := bu.build(ctx, r, tag); err != nil {
			return nil, r.explain(b, err)
		}
		im, err = bu.find(ctx, b, tag)
	}
	if err != nil {
		return nil, err
	}
	return im, bu.tryArguments(ctx, im)
}

// tagOf makes a tag of a label. A tag may have 128 characters; what tells tags
// apart is the recipe's digest.
func tagOf(label string) string {
	label = strings.NewReplacer("@", "-", "+", "-").Replace(label)
	return label[:min(len(label), 100)]
}

// find returns the image of that tag, or docker.ErrNoSuchImage.
func (bu *Builder) find(ctx context.Context, b subject.Subject, tag string) (*Image, error) {
	found, err := bu.look(ctx, tag)
	if err != nil {
		return nil, err
	}
	labels := found.Config.Labels
	dialect, err := newDialect(strings.Fields(labels[labelOptions]))
	if err != nil {
		return nil, err
	}
	return &Image{
		ID: found.ID, Tag: tag, Subject: b, Dialect: dialect,
		Software: subject.Software{
			Comet: labels[labelComet], Python: labels[labelPython], Twisted: labels[labelTwisted], Image: found.ID,
			Installed: labels[labelInstalled],
			Arguments: b.Arguments,
		},
	}, nil
}

// look returns what the engine says of an image, or docker.ErrNoSuchImage.
func (bu *Builder) look(ctx context.Context, name string) (*docker.Image, error) {
	return engine.Ask(ctx, "look at image "+name, engine.Answer, func(context.Context) (*docker.Image, error) {
		return bu.Client.InspectImage(name)
	})
}

// build makes the image in two steps: what is installed is known only after it
// was, and becomes the labels of the second.
func (bu *Builder) build(ctx context.Context, r *recipe, tag string) error {
	base, err := bu.base(ctx, r.python)
	if err != nil {
		return err
	}
	ca := bu.CABundle
	if ca == "" {
		if ca, err = CABundle(); err != nil {
			return err
		}
	}
	input, err := r.context(ca)
	if err != nil {
		return err
	}
	args := []docker.BuildArg{
		{Name: "BASE", Value: base},
		{Name: "OWNER", Value: bu.Owner},
	}
	for _, name := range passed() {
		if value := os.Getenv(name); value != "" {
			args = append(args, docker.BuildArg{Name: name, Value: value})
		}
	}
	unlabelled := tag + "-unlabelled"
	if err := bu.run(ctx, docker.BuildImageOptions{Name: unlabelled, InputStream: input, BuildArgs: args}); err != nil {
		return err
	}
	defer bu.Client.RemoveImage(unlabelled) // its layers live on under the tag
	labels, err := bu.inspect(ctx, unlabelled)
	if err != nil {
		return err
	}
	if _, err := newDialect(strings.Fields(labels[labelOptions])); err != nil {
		return err
	}
	labels[labelRecipe] = r.digest()
	input, err = archive([]file{{"Dockerfile", 0o644, []byte("FROM " + unlabelled + "\n")}})
	if err != nil {
		return err
	}
	return bu.run(ctx, docker.BuildImageOptions{Name: tag, InputStream: input, Labels: labels})
}

// pinnedBase returns the public image of a Python, by the digest of its index for
// all platforms, which names the same image for ever: 3.11.16 and 2.7.18. It is ""
// for other Pythons.
func pinnedBase(python string) string {
	switch python {
	case "2.7":
		return "python@sha256:6c1ffdff499e29ea663e6e67c9b6b9a3b401d554d2c9f061f9a45344e3992363"
	case "3.11":
		return "python@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7"
	}
	return ""
}

// base returns the image to build on: the usual public one, or, where it can't
// be had, the stand-in that images/base/build makes from Debian.
func (bu *Builder) base(ctx context.Context, python string) (string, error) {
	public, standIn := "python:"+python+"-slim", "cometbench/base:python"+python
	name := cmp.Or(pinnedBase(python), public)
	for _, name := range []string{name, standIn} {
		if _, err := bu.look(ctx, name); !errors.Is(err, docker.ErrNoSuchImage) {
			return name, err
		}
	}
	_, err := engine.Ask(ctx, "pull "+name, pullDeadline, func(ctx context.Context) (struct{}, error) {
		// What a repository is called ends at the digest, or at the tag.
		at := strings.IndexAny(name, ":@")
		o := docker.PullImageOptions{Repository: name[:at], Tag: name[at+1:], Context: ctx}
		return struct{}{}, bu.Client.PullImage(o, docker.AuthConfiguration{})
	})
	if err != nil {
		return "", fmt.Errorf("the base image %s can't be had (%w): where no image registry is reachable, "+
			"make %s from Debian by images/base/build %s, or call an image of yours so: docker tag %s %[3]s",
			name, err, standIn, python, public)
	}
	return name, nil
}

// pullDeadline is far above what 50 MB take.
const pullDeadline = 10 * time.Minute

// clone gets a revision of a git repository.
func clone(ctx context.Context, b subject.Subject, dir string) error {
	git := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	if err := git("clone", "--quiet", "--", b.Path, "."); err != nil {
		return err
	}
	if b.Revision == "" {
		return nil
	}
	return git("checkout", "--quiet", "--detach", b.Revision, "--")
}
