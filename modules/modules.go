// Package modules is the list of the modules ferry ships.
package modules

import (
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/modules/commands"
	"github.com/ferry-ops/ferry/modules/files"
	"github.com/ferry-ops/ferry/modules/packages"
	"github.com/ferry-ops/ferry/modules/services"
	"github.com/ferry-ops/ferry/modules/system"
	"github.com/ferry-ops/ferry/modules/verify"
)

// All returns the registry of every module.
func All() *module.Registry {
	return module.NewRegistry(
		commands.Assert(),
		commands.Command(),
		commands.Fail(),
		commands.Print(),
		commands.Script(),
		commands.Shell(),
		commands.WaitFor(),
		files.BlockInFile(),
		files.Copy(),
		files.Fetch(),
		files.File(),
		files.Line(),
		files.Stat(),
		files.Template(),
		files.Tree(),
		packages.DistroSync(),
		packages.ModuleStream(),
		packages.Package(),
		packages.Repo(),
		packages.RepoKey(),
		packages.RepoState(),
		packages.RPMDB(),
		services.Service(),
		services.SystemdUnit(),
		system.Cron(),
		system.Group(),
		system.Hostname(),
		system.KernelArgs(),
		system.Reboot(),
		system.Sysctl(),
		system.User(),
		verify.Baseline(),
		verify.Command(),
		verify.File(),
		verify.HTTP(),
		verify.Mounts(),
		verify.OSRelease(),
		verify.Packages(),
		verify.Port(),
		verify.RecordBaseline(),
		verify.Service(),
	)
}
