"""The nine example prompts of the model page that this project serves (part of its protocol)."""

SEED_PROMPTS = (
    "Sci-Fi Baroque Couture Pulp, Portrait",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman in a white wedding dress with a veil standing in a dark background. She is wearing a robot-like costume giving the impression of a steampunk-inspired wedding., solo, dress, veil, robot, 1girl, smoke, standing, full body, see-through, white dress",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman in a pink dress sitting on a chair wearing a helmet with a brown background. The image is animated giving it a dynamic feel., dress, solo, helmet, pink dress, sitting, puffy sleeves, full body, frills, armor, boots",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman with blue hair and gold stars on her head set against a dark background. Her face is clearly visible with her eyes looking directly at the viewer., 1girl, solo, star (symbol), profile, crown, hair ornament, makeup, lips, aqua hair, braid",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman wearing a pink dress and a bubble hat with flowers on it. The background is blurred giving the focus to the woman and her hair., 1girl, solo, realistic, pink hair, curly hair, green eyes, jewelry, dress, gem, upper body",
    "Sci-Fi Baroque Couture Pulp, The image shows a man and woman in armor sitting next to each other. The man is wearing a helmet and the woman is sitting on a chair. In the background there are plants and a wall and at the top of the image there is an object. The image is animated giving it a dynamic feel., 1girl, sitting, dress, jewelry, crossed legs, white hair, 1boy, high heels, plant, armor",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman in a white dress standing in front of a nebula with a painting of a woman and a human face in the background., 1girl, thighhighs, blonde hair, realistic, solo, ass, ponytail, dress, frills, lips",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman wearing a white dress and a silver helmet with a veil on her head adorned with pearls. In the background there is a painting of flowers on the wall., 1girl, solo, realistic, helmet, flower, lips, armor, profile, rose",
    "Sci-Fi Baroque Couture Pulp, The image shows a woman in a space suit sitting atop a cloud surrounded by a frame of flowers and leaves., solo, cloud, flower, helmet, 1girl, sky, gloves, boots, dress, lace",
)
