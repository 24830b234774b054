// The forms of single values on the wire, for the schemas of replies (docs/wire-contract.md, "Scalars").

import { z } from "zod";

/** Whole numbers travel as text. */
export const digitsText = z.string().regex(/^[0-9]+$/);
export const decimalText = (places: number) => z.string().regex(new RegExp(`^-?[0-9]+\\.[0-9]{${places}}$`));
/** Unix seconds; "0" for a moment that has not come. */
export const timeText = digitsText.meta({ description: "Unix seconds; \"0\" for what has not happened." });
/** US dollars with 12 places, or "0". */
export const costText = z.string().regex(/^(0|[0-9]+\.[0-9]{12})$/);
export const hex32 = z.string().regex(/^[0-9a-f]{32}$/);
/** Task tokens and access keys. */
export const secret30 = z.string().regex(/^[A-Za-z0-9]{30}$/);
export const absoluteUrl = z.string().regex(/^https?:\/\/[^/?#]+(\/|$)/).meta({ description: "An absolute URL." });
