// What the label and help keys of the wire mean to a person; a label that is no key is shown as it stands.

const texts: Readonly<Record<string, string>> = Object.freeze({
  prompt: "Prompt",
  "prompt-help": "What the picture shows.",
  numberofoutputs: "Number of pictures",
  "numberofoutputs-help": "Picture k is drawn with seed + k.",
  inferencesteps: "Steps",
  "inferencesteps-help": "More steps cost more time and refine the picture.",
  guidancescale: "Guidance scale",
  "guidancescale-help": "How closely the picture follows the prompt.",
  seed: "Seed",
  "seed-help": "The same seed and input give the same picture. Empty or -1: a new one each time.",
  width: "Width",
  "width-help": "In pixels.",
  height: "Height",
  "height-help": "In pixels.",
});

export function labelText(key: string): string {
  return texts[key] ?? key;
}
