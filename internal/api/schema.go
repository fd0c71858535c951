package api

import "github.com/danielgtaylor/huma/v2"

// Schema implements huma.SchemaProvider.
func (Seconds) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "double"}
}

// Schema implements huma.SchemaProvider.
func (Number) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "double", Nullable: true}
}
