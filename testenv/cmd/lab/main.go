// Command lab.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ferry-ops/ferry/testenv/distro"
)

func main() {
	c, _ := distro.CacheDir()
	s := time.Now()
	b, err := distro.Build(context.Background(), c, distro.DefaultRecipe(), func(f string, a ...any) { fmt.Printf(f+"\n", a...) })
	fmt.Println(time.Since(s), err)
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(b.LeftOver, len(b.Source.Packages), len(b.Target.Packages))
}
