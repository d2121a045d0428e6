"""Columns of the tables released with arXiv 2512.19253, and what they mean in qhu's scores."""

MODELS = ("unlearn", "orig")
SETS = ("retain", "forget", "test")
# The release leaves clipped probabilities unnormalised, which changes KL by less than 1e-6.
DISTANCES = {
    f"{column}_{rows}": f"{score}_{rows}"
    for column, score in {"KL": "kl", "JS": "js", "Agree": "agree"}.items()
    for rows in ("retain", "test")
}
"""Released distance column to qhu's score."""
UNLEARNED, TEACHERS = ({f"acc_{rows}_{m}": f"acc_{rows}" for rows in SETS} for m in MODELS)
DROPS = tuple(f"{rows}_drop" for rows in ("forget", "retain", "test"))
DERIVED = (*TEACHERS, *DROPS, "UQI")
"""Columns that follow from others: the teacher's accuracies, which every row repeats, and
differences of accuracies. Counting them would count one accident many times."""
COLUMNS = (*UNLEARNED, *DERIVED, *DISTANCES, "MIA_AUC")
SAME = {**UNLEARNED, "UQI": "uqi", **DISTANCES, "MIA_AUC": "mia_forget"}
"""Column to the score of qhu that is meant by it."""
SHUFFLED = {f"{k}_retain": f"{k}_retain_shuffled" for k in ("KL", "JS")}
"""Column to the score that it is on average, as the release pairs its rows at random."""
