package nets

// spellingsOfTransformers are those of the authors and of Hugging Face. The first is that of the backbones themselves.
func spellingsOfTransformers() []spelling {
	return []spelling{
		{name: "torchvision's and timm's"},
		{name: "DINOv2's", rules: []rule{as(`register_tokens`, "reg_token"), as(`((?:cls_token|pos_embed|patch_embed|blocks|norm)(?:\..*)?)`, "$1")}},
		{name: "Hugging Face's ResNet", rules: []rule{
			as(`embedder\.embedder\.convolution\.weight`, "conv1.weight"),
			as(`embedder\.embedder\.normalization\.`+norm, "bn1.$1"),
			as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.convolution\.weight`, "layer$1+1.$2.conv$3+1.weight"),
			as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.normalization\.`+norm, "layer$1+1.$2.bn$3+1.$4"),
			as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.convolution\.weight`, "layer$1+1.$2.downsample.0.weight"),
			as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.normalization\.`+norm, "layer$1+1.$2.downsample.1.$3"),
		}},
		{name: "Hugging Face's ViT and DINOv2", plain: true, rules: append(
			attentionParts(`(?:encoder\.)?layers?\.(\d+)\.attention\.attention\.%s\.`+leaf, "blocks.$1.attn.qkv.$2", "query", "key", "value"),
			append(attentionParts(`(?:encoder\.)?layers?\.(\d+)\.attention\.%s_proj\.`+leaf, "blocks.$1.attn.qkv.$2", "q", "k", "v"),
				as(`embeddings\.cls_token`, "cls_token"),
				as(`embeddings\.register_tokens`, "reg_token"),
				as(`embeddings\.position_embeddings`, "pos_embed"),
				as(`embeddings\.patch_embeddings\.projection\.`+leaf, "patch_embed.proj.$1"),
				as(`(?:encoder\.)?layers?\.(\d+)\.attention\.(?:output\.dense|o_proj)\.`+leaf, "blocks.$1.attn.proj.$2"),
				as(`(?:encoder\.)?layers?\.(\d+)\.(?:layernorm_before|norm1)\.`+leaf, "blocks.$1.norm1.$2"),
				as(`(?:encoder\.)?layers?\.(\d+)\.(?:layernorm_after|norm2)\.`+leaf, "blocks.$1.norm2.$2"),
				as(`(?:encoder\.)?layers?\.(\d+)\.layer_scale(\d)\.lambda1`, "blocks.$1.ls$2.gamma"),
				as(`(?:encoder\.)?layers?\.(\d+)\.(?:intermediate\.dense|mlp\.fc1)\.`+leaf, "blocks.$1.mlp.fc1.$2"),
				as(`(?:encoder\.)?layers?\.(\d+)\.(?:output\.dense|mlp\.fc2)\.`+leaf, "blocks.$1.mlp.fc2.$2"),
				as(`layernorm\.`+leaf, "norm.$1"),
			)...)},
		{name: "Hugging Face's CLIP and SigLIP", rules: append(
			attentionParts(`encoder\.layers\.(\d+)\.self_attn\.%s_proj\.`+leaf, "blocks.$1.attn.qkv.$2", "q", "k", "v"),
			as(`embeddings\.class_embedding`, "cls_token"),
			as(`embeddings\.patch_embedding\.`+leaf, "patch_embed.proj.$1"),
			as(`embeddings\.position_embedding\.weight`, "pos_embed"),
			as(`pre_layrnorm\.`+leaf, "norm_pre.$1"), // so they spell it
			as(`encoder\.layers\.(\d+)\.self_attn\.out_proj\.`+leaf, "blocks.$1.attn.proj.$2"),
			as(`encoder\.layers\.(\d+)\.layer_norm(\d)\.`+leaf, "blocks.$1.norm$2.$3"),
			as(`encoder\.layers\.(\d+)\.mlp\.fc(\d)\.`+leaf, "blocks.$1.mlp.fc$2.$3"),
			as(`post_layernorm\.`+leaf, "norm.$1"),
			as(`head\.probe`, "attn_pool.latent"),
			pieces(`head\.attention\.in_proj_`+leaf, piece{name: "attn_pool.q.$1", thirds: [2]int{0, 1}}, piece{name: "attn_pool.kv.$1", thirds: [2]int{1, 3}}),
			as(`head\.attention\.out_proj\.`+leaf, "attn_pool.proj.$1"),
			as(`head\.layernorm\.`+leaf, "attn_pool.norm.$1"),
			as(`head\.mlp\.fc(\d)\.`+leaf, "attn_pool.mlp.fc$1.$2"),
		)},
		{name: "OpenAI's CLIP", rules: []rule{
			as(`conv1\.weight`, "patch_embed.proj.weight"),
			as(`class_embedding`, "cls_token"),
			as(`positional_embedding`, "pos_embed"),
			as(`ln_pre\.`+leaf, "norm_pre.$1"),
			as(`transformer\.resblocks\.(\d+)\.ln_(\d)\.`+leaf, "blocks.$1.norm$2.$3"),
			as(`transformer\.resblocks\.(\d+)\.attn\.in_proj_`+leaf, "blocks.$1.attn.qkv.$2"),
			as(`transformer\.resblocks\.(\d+)\.attn\.out_proj\.`+leaf, "blocks.$1.attn.proj.$2"),
			as(`transformer\.resblocks\.(\d+)\.mlp\.c_fc\.`+leaf, "blocks.$1.mlp.fc1.$2"),
			as(`transformer\.resblocks\.(\d+)\.mlp\.c_proj\.`+leaf, "blocks.$1.mlp.fc2.$2"),
			as(`ln_post\.`+leaf, "norm.$1"),
		}},
	}
}
