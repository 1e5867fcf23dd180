package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ferry": main})
}

// TestScripts runs ferry as its users do, in a process of its own, against hosts
// that live in this one. The commands the scripts have besides those of
// testscript are described in script_test.go.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands(),
	})
}

// commands are what scripts can do besides testscript's own.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"hosts":       cmdHosts,
		"fault":       cmdFault,
		"logins":      cmdLogins,
		"untouched":   cmdUntouched,
		"snapshot":    cmdSnapshot,
		"code":        cmdCode,
		"interrupt":   cmdInterrupt,
		"jsonlines":   cmdJSONLines,
		"diag":        cmdDiag,
		"absent":      cmdAbsent,
		"expand":      cmdExpand,
		"tamper":      cmdTamper,
		"evil":        cmdEvil,
		"agree":       cmdAgree,
		"console":     cmdConsole,
		"only-parsed": cmdOnlyParsed,
		"same":        cmdSame,
		"here":        cmdHere,
		"fake":        cmdFake,
	}
}
