package nets

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/field"
)

func init() {
	small, base := ViT{Patch: 16, Width: 384, Depth: 12, Heads: 6}, ViT{Patch: 16, Width: 768, Depth: 12, Heads: 12}
	provide("vit-small-16", small.Build, "vision transformer of patches of 16×16, 21.7 million parameters (Dosovitskiy 2021; DINO, DeiT)")
	provide("vit-base-16", base.Build, "vision transformer of patches of 16×16, 85.8 million parameters (Dosovitskiy 2021; DINO, DeiT)")

	small.Patch, small.LayerScale, base.LayerScale = 14, 1e-5, 1e-5
	provide("dinov2-small", small.Build, "vision transformer of patches of 14×14 with LayerScale, as DINOv2 (Oquab 2023)")
	small.Registers, small.PatchPositions = 4, true
	provide("dinov2-small-registers", small.Build, "dinov2-small with 4 registers (Darcet 2024)")
	base.Patch = 14
	provide("dinov2-base", base.Build, "vision transformer of patches of 14×14 with LayerScale, as DINOv2 (Oquab 2023)")

	clip := ViT{Patch: 32, Width: 768, Depth: 12, Heads: 12, PreNorm: true, Activation: "quick-gelu", Eps: 1e-5}
	provide("clip-base-32", clip.Build, "the picture side of CLIP, a vision transformer of patches of 32×32 (Radford 2021)")
	clip.Patch = 16
	provide("clip-base-16", clip.Build, "the picture side of CLIP, a vision transformer of patches of 16×16 (Radford 2021)")

	siglip := ViT{Patch: 16, Width: 768, Depth: 12, Heads: 12, Pool: "attention", Activation: "gelu-tanh"}
	provide("siglip-base-16", siglip.Build, "the picture side of SigLIP, a vision transformer of patches of 16×16 (Zhai 2023)")
}

// ViT is the vision transformer, with the names and the form of timm's: A. Dosovitskiy et al., "An Image is Worth
// 16×16 Words: Transformers for Image Recognition at Scale", ICLR 2021. A picture is cut into patches, and each is
// a token; its position is learned, so that weights are of one size of pictures (see package docs).
//
// Its fields but the last are those by which DINOv2, CLIP and SigLIP differ from it.
type ViT struct {
	Patch int // side of a patch in pixels; pictures have a multiple of it
	Width int // D, numbers of a token
	Depth int // blocks
	Heads int // of attention in a block; it divides Width

	LayerScale float64 // what a block's results are multiplied with at first, a learned number for each channel; 0: there is none
	Registers  int     // tokens that stand for nothing, where global features collect: T. Darcet et al., ICLR 2024
	// PatchPositions says that patches alone have positions, and neither the class token nor registers.
	PatchPositions bool
	PreNorm        bool   // a normalisation before the first block, and no bias of patches
	Activation     string // gelu if empty, or gelu-tanh, quick-gelu
	// Pool says what the features are: token (if empty), the class token; mean, that of the patches, and there is
	// no class token; or attention, by which a learned query chooses among the patches.
	Pool string
	Eps  float64 // added to the variance in normalisations; 1e-6 if zero
}

// Build is a Builder. The trunk is D numbers.
func (v ViT) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	if err := v.check(cfg, x); err != nil {
		return x, err
	}
	l := NewLayers(cfg, p, mode)
	l.Init, l.Eps = "transformer", v.Eps
	x = v.tokens(l, x)
	if v.PreNorm {
		x = l.LayerNorm("norm_pre", x)
	}
	for i := range v.Depth {
		x = v.block(l, fmt.Sprintf("blocks.%d", i), l.EndSegment(x))
	}
	x = v.features(l, x)
	return x, x.Err()
}

// check returns an error for fields that go together with none or with the pictures x (B, C, H, W).
func (v ViT) check(cfg Config, x graph.Expr) error {
	if x.Err() != nil {
		return x.Err()
	}
	if v.Patch < 1 || v.Width < 1 || v.Depth < 1 || v.Heads < 1 || v.Width%v.Heads != 0 || v.Registers < 0 {
		return errors.Errorf("a ViT of Patch %d, Width %d, Depth %d, Heads %d, Registers %d, want each at least 1 (Registers 0), and Heads that divide Width",
			v.Patch, v.Width, v.Depth, v.Heads, v.Registers)
	}
	if _, known := gelu[v.activation()]; !known {
		return oneOf("Activation", v.Activation, slices.Sorted(maps.Keys(gelu)))
	}
	if pools := []string{"token", "mean", "attention"}; v.Pool != "" && !slices.Contains(pools, v.Pool) {
		return oneOf("Pool", v.Pool, pools)
	}
	if s := x.Shape(); s.Dims() == 4 && (s[2]%v.Patch != 0 || s[3]%v.Patch != 0) {
		return field.Errorf("nets", "", "pictures of %d×%d do not part into patches of %d×%d: take sides that are multiples of %d, such as %d×%d (%s)",
			s[2], s[3], v.Patch, v.Patch, v.Patch, nearMultiple(s[2], v.Patch), nearMultiple(s[3], v.Patch), field.Names{"Height", "Width"})
	}
	return nil
}

// nearMultiple is the multiple of n, at least n, that is nearest to v.
func nearMultiple(v, n int) int { return max(1, (v+n/2)/n) * n }

func (v ViT) activation() string {
	if v.Activation == "" {
		return "gelu"
	}
	return strings.ToLower(v.Activation)
}

// hasClass reports whether the first token stands for the whole picture.
func (v ViT) hasClass() bool { return v.Pool == "" || v.Pool == "token" }

// prefix is how many tokens stand before the patches.
func (v ViT) prefix() int {
	if v.hasClass() {
		return 1 + v.Registers
	}
	return v.Registers
}

// tokens are those of pictures (B, C, H, W): (B, T, D).
func (v ViT) tokens(l *Layers, x graph.Expr) graph.Expr {
	x = l.Conv("patch_embed.proj", x, v.Width, Window{Size: v.Patch, Stride: v.Patch, Bias: !v.PreNorm})
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	b, n := s[0], s[2]*s[3]
	x = x.Reshape(b, v.Width, n).Permute(0, 2, 1)
	positions := func(n int) graph.Expr { return l.token("pos_embed", x, n, v.Width) }
	if v.PatchPositions {
		return graph.Concat(1, append(v.before(l, x), x.Add(positions(n)))...)
	}
	return graph.Concat(1, append(v.before(l, x), x)...).Add(positions(v.prefix() + n))
}

// before are the tokens that stand before the patches x.
func (v ViT) before(l *Layers, x graph.Expr) (tokens []graph.Expr) {
	b := x.Shape()[0]
	if v.hasClass() {
		tokens = append(tokens, l.token("cls_token", x, 1, v.Width).BroadcastTo([]int{b, 1, v.Width}))
	}
	if v.Registers > 0 {
		tokens = append(tokens, l.token("reg_token", x, v.Registers, v.Width).BroadcastTo([]int{b, v.Registers, v.Width}))
	}
	return tokens
}

// token is n learned tokens (1, n, D).
func (l *Layers) token(name string, x graph.Expr, n, d int) graph.Expr {
	return l.learned(name, x, inits["transformer"], 1, n, d)
}

// block is attention and two layers, each normalised before and beside a shortcut.
func (v ViT) block(l *Layers, name string, x graph.Expr) graph.Expr {
	mixed := l.selfAttention(name+".attn", l.LayerNorm(name+".norm1", x), v.Heads)
	x = x.Add(l.scaled(name+".ls1.gamma", mixed, v.LayerScale))
	y := l.twoLayers(name+".mlp", l.LayerNorm(name+".norm2", x), 4*v.Width, gelu[v.activation()])
	return x.Add(l.scaled(name+".ls2.gamma", y, v.LayerScale))
}

// features are what the tokens say of the picture, (B, D).
func (v ViT) features(l *Layers, x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	switch v.Pool {
	case "attention":
		return v.chosen(l, l.LayerNorm("norm", x))
	case "mean":
		patches := x.Slice(1, v.prefix(), s[1])
		mean := patches.SumAxis(1).Scale(1/float64(s[1]-v.prefix())).Reshape(s[0], v.Width)
		return l.LayerNorm("fc_norm", mean)
	}
	return l.LayerNorm("norm", x.Slice(1, 0, 1).Reshape(s[0], v.Width)) // each token is normalised by itself
}

// chosen is what a learned query chooses among the tokens, and two layers.
func (v ViT) chosen(l *Layers, x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	b := x.Shape()[0]
	query := l.linearOf("attn_pool.q", l.token("attn_pool.latent", x, 1, v.Width), v.Width).BroadcastTo([]int{b, 1, v.Width})
	kv := l.linearOf("attn_pool.kv", x, 2*v.Width)
	y := l.attention("attn_pool", query, kv.Slice(2, 0, v.Width), kv.Slice(2, v.Width, 2*v.Width), v.Heads)
	y = l.linearOf("attn_pool.proj", y, v.Width).Reshape(b, v.Width)
	return y.Add(l.twoLayers("attn_pool.mlp", l.LayerNorm("attn_pool.norm", y), 4*v.Width, gelu[v.activation()]))
}
