package diag

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// QuickLookDiffers returns what the tokens of a text say against it although
// the quick look found nothing.
func QuickLookDiffers(src []byte) *hcl.Diagnostic {
	if _, flat := plainlyFlat(src, len(src)); !flat {
		return nil
	}
	return bounds(src, "x", hclsyntax.LexConfig)
}
