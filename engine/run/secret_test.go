package run_test

import (
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// No event of any kind holds a sensitive value, whatever way it takes: as an
// argument, as a part of one, in what a command prints, in a diff.
func TestNoSecretInAnyEvent(t *testing.T) {
	const secret = "-hunter2" // also the rest of one that begins like another
	src := `
variable "password" {
  default   = "hunter2-hunter2"
  sensitive = true
}
variable "prefix" {
  default   = "hunter2"
  sensitive = true
}
variable "all" {
  default   = { user = "ops", password = ["hunter2-hunter2"] }
  sensitive = true
}
locals { url = "https://ops:${var.password}@example.com" }
play "p" {
  hosts = "all"
  task "act" "part" {
    shown         = "curl -u ops:${var.password} https://example.com"
    ignore_errors = true
  }
  task "act" "local" {
    shown         = local.url
    ignore_errors = true
  }
  task "settle" "x" {
    secret = var.password
    shown  = "--password=${var.password}"
  }
  check "look" "c" {}
}
`
	w := newWorld()
	for _, k := range []string{"act part", "act local"} {
		w.on[k] = func(int) (host.Result, error) {
			return host.Result{Code: 1, Stderr: []byte("login with hunter2" + secret + " refused")}, nil
		}
	}
	w.on["look c"] = exits(1, "the password hunter2"+secret)
	for _, mode := range []run.Mode{run.Plan, run.Apply} {
		r := runIn(t, w, src, run.Options{Mode: mode}, "a")
		for name, h := range r.sum.Hosts {
			if strings.Contains(h.Error, secret) {
				t.Errorf("in mode %s the summary of %s shows a secret: %s", mode, name, h.Error)
			}
		}
		if text := r.json(t); strings.Contains(text, secret) {
			i := strings.Index(text, secret)
			t.Errorf("in mode %s a secret is shown: …%s…", mode, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

// TestSensitiveTaskSaysNothing: neither attempts, messages nor findings show
// what a task that is sensitive as a whole says.
func TestSensitiveTaskSaysNothing(t *testing.T) {
	const said = "k3y-from-the-host"
	for _, src := range []string{
		"task \"act\" \"x\" {\n  sensitive = true\n  retry { attempts = 2 }\n}",
		"check \"look\" \"x\" {\n  sensitive = true\n  retry { attempts = 2 }\n}",
	} {
		w := newWorld()
		w.on["act x"], w.on["look x"] = exits(1, said), exits(1, said)
		if got := runIn(t, w, src, run.Options{}, "a").json(t); strings.Contains(got, said) {
			t.Errorf("%s\nshows what the host said:\n%s", src, got)
		}
	}
}

// Nor does who does a task for a host, or why a gate stays shut.
func TestNoSecretOfDelegatesAndGates(t *testing.T) {
	const secret = "hunter2-hunter2"
	w := newWorld()
	w.on["look c"] = exits(1, secret)
	r := runIn(t, w, `variable "password" {
  default   = "`+secret+`"
  sensitive = true
}
play "p" {
  hosts = "all"
  rollout {
    gate "check" {
      after = [1]
      check "look" "c" {}
    }
  }
  task "act" "x" {
    delegate_to   = var.password
    ignore_errors = true
  }
}`, run.Options{}, "a")
	if r.sum.Stopped == nil {
		t.Fatal("the gate was passed")
	}
	if text := r.json(t); strings.Contains(text, secret) {
		i := strings.Index(text, secret)
		t.Errorf("a secret is shown: …%s…", text[max(0, i-200):min(len(text), i+100)])
	}
}
