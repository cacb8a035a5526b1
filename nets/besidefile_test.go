package nets_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/nets"
)

// inspectBeside writes weights of a small network with files beside them, and gives how pictures are prepared for them.
func inspectBeside(t *testing.T, files map[string]string) (nets.Config, nets.WeightsReport, error) {
	dir := t.TempDir()
	raw, err := os.ReadFile(filepath.Join("testdata", "pretrained", "tv_vit.pth"))
	require.NoError(t, err)
	path := filepath.Join(dir, "weights.pth")
	require.NoError(t, os.WriteFile(path, raw, 0o644))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return nets.InspectWeights(path, nets.Config{Height: 24, Width: 24}.With(tinyViT.Build))
}

// What timm and transformers write beside weights tells how pictures are prepared, and what is added to variances.
func TestPreparationByFilesBeside(t *testing.T) {
	const config, processor = "config.json", "preprocessor_config.json"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
		eps   float64
	}{
		"timm": {map[string]string{config: `{"architecture":"x","pretrained_cfg":{"input_size":[3,288,256],"interpolation":"bilinear","crop_pct":0.8,"mean":[0.1,0.2,0.3],"std":[1,2,3]}}`},
			"the middle 288×256 of what just covers 360×320, bilinear, mean 0.1,0.2,0.3, deviation 1,2,3, as config.json beside them says", 0},
		"timm, at the top, squeezed": {map[string]string{config: `{"input_size":[3,224,224],"crop_pct":1.0,"crop_mode":"squash","mean":[0,0,0],"std":[1,1,1]}`}, "the middle 224×224 of 224×224, bicubic, mean 0,0,0,", 0},
		"CLIP":                       {map[string]string{processor: `{"crop_size":224,"do_center_crop":true,"size":224,"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 224, bicubic, mean 0.4", 0},
		"DINOv2":                     {map[string]string{processor: `{"crop_size":{"height":224,"width":224},"do_center_crop":true,"size":{"shortest_edge":256},"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 256, bicubic", 0},
		"ViT, with eps":              {map[string]string{processor: `{"size":{"height":224,"width":192},"resample":2,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}`, config: `{"layer_norm_eps":1e-12}`}, "224×192, bilinear, mean 0.5,0.5,0.5", 1e-12},
		"eps as the backbone's":      {map[string]string{config: `{"vision_config":{"layer_norm_eps":1e-6}}`}, "as torchvision's ViT networks usually", 0},
		"ConvNeXt":                   {map[string]string{processor: `{"crop_pct":0.875,"size":224,"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 256, bicubic", 0},
		"ConvNeXt, large":            {map[string]string{processor: `{"crop_pct":0.875,"size":{"shortest_edge":384},"resample":3,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "384×384, bicubic", 0},
		"not normalised":             {map[string]string{processor: `{"size":64,"do_normalize":false,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "64×64, bilinear, mean 0,0,0, deviation 1,1,1", 0},
		"the rest as usual":          {map[string]string{processor: `{"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`}, "the middle 224×224 of a short side of 256, bilinear, mean 0.4,0.4,0.4", 0},
		"of texts":                   {map[string]string{processor: `{"processor_class":"T"}`, config: `{"model_type":"bert"}`}, "as torchvision's ViT networks usually", 0},
		"both":                       {map[string]string{processor: `{"size":64,"resample":2,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2]}`, config: `{"input_size":[3,9,9]}`}, "64×64", 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, r, err := inspectBeside(t, c.files)
			require.NoError(t, err)
			require.Contains(t, r.Preparation.String(), c.want)
			require.Equal(t, c.eps, cfg.NormEps)
			require.Empty(t, r.Preparation.Remarks)
		})
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"no JSON":          {config, `{"a"`, "should say how pictures are prepared for them: mend it, or take it away"},
		"another type":     {processor, `{"size":"large"}`, "preprocessor_config.json beside"},
		"no such filter":   {processor, `{"size":64,"resample":9}`, "resample is 9, want 0 … 5"},
		"too large a part": {processor, `{"size":64,"crop_size":96,"do_center_crop":true}`, "crop_size is 96×96, and size 64"},
		"a huge size":      {config, `{"input_size":[3,99999,1]}`, "pictures of 99999×1"},
		"a negative size":  {processor, `{"size":-4,"resample":2}`, "a side of -4 pixels"},
		"no share":         {config, `{"input_size":[3,64,64],"crop_pct":40}`, "a share of 40 for the middle"},
		"a huge eps":       {config, `{"layer_norm_eps":3}`, "3 is added to variances, want 0 … 0.1"},
		"two means":        {processor, `{"size":64,"image_mean":[1,2],"image_std":[1,2]}`, "2 means and 2 deviations"},
		"a deviation of 0": {processor, `{"size":64,"image_mean":[1,2,3],"image_std":[1,0,2]}`, "deviation 0 of channel 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := inspectBeside(t, map[string]string{c.file: c.text})
			require.ErrorContains(t, err, c.want)
		})
	}
	_, r, err := inspectBeside(t, map[string]string{config: `{"input_size":[3,64,64],"interpolation":"lanczos","crop_mode":"border"}`})
	require.NoError(t, err)
	require.Equal(t, []string{`config.json crops by "border", which is not to be had here: the middle is taken`, "config.json resizes with the filter lanczos, which is not to be had here: bicubic it is"}, r.Preparation.Remarks)
	_, r, err = inspectBeside(t, map[string]string{processor: `{"size":64,"rescale_factor":0.5}`})
	require.NoError(t, err)
	require.Equal(t, []string{"preprocessor_config.json scales values by 0.5, which is not to be had here: 1/255 it is"}, r.Preparation.Remarks)
}

// FuzzFilesBeside reads any bytes beside weights.
func FuzzFilesBeside(f *testing.F) {
	f.Add(`{"input_size":[3,288,256],"crop_pct":0.8,"mean":[0.1],"std":[1]}`, `{"crop_size":{"height":224},"do_center_crop":true,"size":{"shortest_edge":256},"resample":3}`)
	f.Add(`{"layer_norm_eps":1e-6,"pretrained_cfg":{"input_size":[3,2,2]}}`, `{"size":384,"crop_pct":0.9}`)
	dir := f.TempDir()
	path := filepath.Join(dir, "weights.pth")
	f.Fuzz(func(t *testing.T, config, processor string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte(processor), 0o644))
		p, eps, err := nets.PreparedBeside(path)
		if err != nil || p.From == "" {
			return
		}
		require.True(t, eps >= 0 && eps <= 0.1)
		require.True(t, p.Height >= 0 && p.Width >= 0 && p.Height <= 8192 && p.Width <= 8192 && (p.CropPct == 0 || p.CropPct >= 0.1 && p.CropPct <= 1), "%+v", p)
		require.Equal(t, p.Height > 0, p.Width > 0)
		require.Equal(t, p.Height > 0, p.Resize != "")
		require.Contains(t, []string{"", "bilinear", "bicubic"}, p.Filter)
		require.Len(t, p.Std, len(p.Mean))
		require.NotEmpty(t, p.String())
	})
}
