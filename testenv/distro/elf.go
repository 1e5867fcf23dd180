package distro

import (
	"bytes"
	"debug/elf"
	"strings"
)

// elfDeps returns what an ELF file provides and requires, in the form rpm's
// own dependency generator writes it: libssl.so.3()(64bit) and
// libc.so.6(GLIBC_2.34)(64bit). A file that is not ELF has neither.
func elfDeps(body []byte) (provides, requires []string) {
	if !bytes.HasPrefix(body, []byte(elf.ELFMAG)) {
		return nil, nil
	}
	f, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return nil, nil // damaged or foreign: not a reason to fail a build
	}
	bits := ""
	if f.Class == elf.ELFCLASS64 {
		bits = "(64bit)"
	}
	name := func(lib, version string) string {
		if bits == "" && version == "" {
			return lib
		}
		return lib + "(" + version + ")" + bits
	}
	if f.Type == elf.ET_DYN {
		if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) == 1 && strings.Contains(names[0], ".so") {
			provides = append(provides, name(names[0], ""))
			if versions, err := f.DynamicVersions(); err == nil {
				for _, v := range versions {
					if v.Name != "" && v.Name != names[0] {
						provides = append(provides, name(names[0], v.Name))
					}
				}
			}
		}
	}
	libs, err := f.ImportedLibraries()
	if err != nil {
		return provides, nil
	}
	for _, lib := range libs {
		requires = append(requires, name(lib, ""))
	}
	if needs, err := f.DynamicVersionNeeds(); err == nil {
		for _, lib := range needs {
			for _, v := range lib.Needs {
				requires = append(requires, name(lib.Name, v.Dep))
			}
		}
	}
	return provides, requires
}
