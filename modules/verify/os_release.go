package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// OSRelease checks which system a host says it is.
func OSRelease() module.Info {
	return module.Info{
		Name:    "os_release",
		Summary: "Checks which system the host says it is.",
		Doc: `Reads /etc/os-release. Its package is among the first a migration replaces, so this
alone proves nothing: combine it with the check "packages".`,
		Example: `check "os_release" "is_openeuler" {
  id      = "openEuler"
  version = "22.03"
}
`,
		NewCheck: func() module.Check { return &osRelease{} },
	}
}

type osRelease struct{ id, version, name string }

var (
	_ module.Check     = (*osRelease)(nil)
	_ module.Validator = (*osRelease)(nil)
)

func (c *osRelease) Schema(b *schema.Block) {
	b.String(&c.id, "id", "What ID must be; upper and lower case are the same.")
	b.String(&c.version, "version", "What VERSION_ID must be, or start with up to a dot: \"8\" fits 8 and 8.5.")
	b.String(&c.name, "name", "What PRETTY_NAME must contain.")
}

func (c *osRelease) Validate() error {
	if c.id == "" && c.version == "" && c.name == "" {
		return errors.New("One of the arguments \"id\", \"version\" and \"name\" is needed.")
	}
	return nil
}

func (c *osRelease) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	f, err := r.Facts(ctx, "os_id", "os_version", "os_name")
	if err != nil {
		return nil, err
	}
	id, version, name := f.String("os_id"), f.String("os_version"), f.String("os_name")
	if id == "" && name == "" {
		return nil, errors.New("the host has neither /etc/os-release nor an older release file, so which system it is cannot be told")
	}
	var out []module.Finding
	wrong := func(what, want, have string) {
		out = append(out, module.Finding{Summary: fmt.Sprintf("%s is %q, not %q", what, have, want), Detail: "The host says it is " + name + "."})
	}
	if c.id != "" && !strings.EqualFold(c.id, id) {
		wrong("the system's ID", c.id, id)
	}
	if c.version != "" && version != c.version && !strings.HasPrefix(version, c.version+".") {
		wrong("the system's version", c.version, version)
	}
	if c.name != "" && !strings.Contains(name, c.name) {
		wrong("the system's name", c.name, name)
	}
	return out, nil
}
