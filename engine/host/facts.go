package host

// Facts maps the names of gathered facts to their values: string, int64, bool,
// []string or map[string]string, as FactNames documents.
type Facts map[string]any
