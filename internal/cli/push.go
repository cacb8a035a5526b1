package cli

import (
	"context"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/model"
)

// pushing is the command push. It is done by the program medusa-push, a module of its own, so that the
// clients of databases are none of Medusa's requirements.
var pushing = command{
	name:  "push",
	takes: "GALLERY URL",
	about: "bring an index or a file of embeddings into a vector database",
	intro: "brings embeddings into a vector database. GALLERY is an index or a file of embeddings (.npy, .safetensors, .csv, .jsonl, .parquet). URL is postgres://USER@HOST/DATABASE, with or without pgvector, qdrant://HOST:6334/COLLECTION or redis://HOST:6379.",
	examples: []example{
		{[]string{"others.npy", "postgres://localhost/photos", "-table", "others"}, "into a table of PostgreSQL"},
		{[]string{"others.npy", "postgres://localhost/photos", "-table", "others", "-delete"}, "the same again: what is new or changed, and without what is gone"},
		{[]string{"others.npy", "postgres:", "-table", "others", "-schema"}, "only print the tables that it would make, and a query"},
	},
	notes: "Each embedding has the key (model, ID). Pushing twice changes nothing, and says so; after Ctrl-C or kill -9 the same command goes on. A place that has vectors of another model is left alone.\n" +
		"Passwords need not stand in URL: PGPASSWORD and ~/.pgpass are read, QDRANT_API_KEY and REDIS_PASSWORD.\n" +
		"medusa push calls medusa-push, which is looked for beside it and in PATH. In Medusa's source it is built by\n  " + buildPush,
	begin: func(c *invocation) job { return newPushFlags(c) },
}

// buildPush makes the program medusa-push beside the source's root.
const buildPush = "go -C push build -o ../ ./medusa-push"

// PushOptions are what the flags of push set.
type PushOptions struct {
	Table      string `yaml:"table" flag:"table" arg:"NAME" doc:"table of PostgreSQL, or SCHEMA.NAME" unset:"embeddings" group:"Place"`
	Collection string `yaml:"collection" flag:"collection" arg:"NAME" doc:"collection of Qdrant" unset:"that of URL, or embeddings" group:"Place"`
	Prefix     string `yaml:"prefix" flag:"prefix" arg:"TEXT" doc:"what keys in Redis begin with" unset:"embeddings:" group:"Place"`
	Type       string `yaml:"type" flag:"type" arg:"NAME" doc:"PostgreSQL's type of vectors: vector, halfvec (half the memory, 11 bits of each number) or real, which needs no pgvector and is searched exactly" choices:"vector,halfvec,real" unset:"vector where the server has pgvector, else real" group:"Place"`
	Index      string `yaml:"index" flag:"index" arg:"NAME" doc:"what the database finds neighbours by: hnsw, ivfflat (PostgreSQL), flat (Redis, exact) or none" choices:"hnsw,ivfflat,flat,none" unset:"hnsw where the database has it" group:"Place"`
	Delete     bool   `yaml:"delete" flag:"delete" doc:"remove what the gallery no longer has from the database" group:"Records"`
	Distance   string `yaml:"distance" flag:"distance" arg:"NAME" doc:"how near embeddings are, for a file of embeddings, which does not say it: euclidean, cosine or dot" choices:"euclidean,cosine,dot" unset:"that of the index, or euclidean" group:"Records"`
	Model      string `yaml:"model" flag:"model" arg:"MODEL" doc:"model that made the vectors, which is compared with what the gallery says: a run folder, a model file, or its fingerprint" unset:"what the gallery says" group:"Records"`
	Batch      int    `yaml:"batch" flag:"batch" arg:"N" doc:"records written at a time, all or none" unset:"1000" min:"1" group:"Records"`
	Schema     bool   `yaml:"schema" flag:"schema" doc:"connect to nothing: print what would be made, and a search" group:"This run"`
}

var pushSchema = settings.Of(reflect.TypeFor[PushOptions](), nil)

// Pusher brings the gallery of a file into the database of a URL, and tells a screen of it. Options.Model
// is a fingerprint.
type Pusher func(ctx context.Context, gallery, url string, o PushOptions, w *terminal.Screen) error

// MedusaPush is the program medusa-push: Medusa's command push, which push does.
func MedusaPush(push Pusher) Program {
	return Program{name: "medusa-push", source: "-C push ./medusa-push", alone: &pushing, push: push}
}

// pushFlags are the command push, called.
type pushFlags struct {
	*flagSet
	options *PushOptions
}

func newPushFlags(c *invocation) *pushFlags {
	o := &PushOptions{}
	return &pushFlags{options: o, flagSet: newFlagSet(c, pushSchema, o, &PushOptions{}, nil, "Place", "Records", "This run")}
}

func (f *pushFlags) flags() *flagSet { return f.flagSet }

func (f *pushFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	push := f.call.program.push
	if push == nil {
		return f.call.callPush()
	}
	o := *f.options
	var err error
	if o.Model, err = fingerprintOf(o.Model); err != nil {
		return err
	}
	return push(ctx, args[0], args[1], o, f.call.screen(f.call.Out, f.call.Live))
}

// validate refuses what nobody means. It quotes no URL, which may hold a password.
func (f *pushFlags) validate(args []string) error {
	const want = "want GALLERY and URL: an index or a file of embeddings, and where it goes, such as postgres://localhost/photos"
	isURL := func(arg string) bool { return strings.Contains(arg, "://") }
	switch given := f.given(); {
	case len(args) == 0:
		return errors.New(want)
	case isURL(args[0]) && len(args) == 2:
		return errors.New("the URL stands first: " + want)
	case len(args) == 1:
		return errors.New("one of two is missing: " + want)
	case len(args) > 2:
		return errors.Errorf("these are %d arguments: %s", len(args), want)
	default:
		for flag, value := range map[string]string{"table": f.options.Table, "collection": f.options.Collection, "prefix": f.options.Prefix, "model": f.options.Model} {
			if given[flag] && value == "" {
				return wrong("%s is empty: say a name, or leave it out", field.Name("-"+flag))
			}
		}
	}
	return f.checkGiven(f.options)
}

var fingerprints = regexp.MustCompile(`^[0-9a-f]{8,}$`)

// fingerprintOf is the fingerprint of a model that is given by its file or run folder, or by that itself.
func fingerprintOf(given string) (string, error) {
	if given == "" {
		return "", nil
	}
	if _, err := os.Stat(given); err != nil {
		if fingerprints.MatchString(given) {
			return given, nil
		}
		return "", wrong("%s: there is no run folder or model file %s, and it is no fingerprint", field.Name("-model"), given)
	}
	m, err := model.Load(given, model.Options{})
	if err != nil {
		return "", err
	}
	defer m.Close()
	return m.Fingerprint(), nil
}
