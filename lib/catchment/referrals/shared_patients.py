"""The clinicians around a partner by the patients they share: the network, its circles and who bridges them.

Definitions and known bias are those of `stats.network`: a shared-patient link is not a referral. A *circle* is a community; a *referrer
without any link* is a feeder who shares fewer than 11 patients with everybody.
"""

from typing import NamedTuple

import pandas as pd

from catchment.stats.network import central, isolates, links, metrics


class Network(NamedTuple):
    """A partner's network: links, measures of every clinician, modularity, rows set aside, year, and referrers without any link."""

    links: pd.DataFrame
    measures: pd.DataFrame
    modularity: float
    dropped: pd.DataFrame
    year: int | None
    alone: pd.Index


def described(pairs: pd.DataFrame, clinicians: pd.DataFrame, *, same_day_share: float, resolution: float, seed: int) -> Network:
    """The network of the clinicians listed: links, measures of every clinician, and referrers without any link.

    Parameters
    ----------
    clinicians
        One row per clinician: `npi` and `role` ("feeder", "same day" or other).
    same_day_share
        Links of which more than this share (0-1) is of one day, with a clinician whose role is "same day", are set aside, see
        `network.links`.
    resolution
        Of the communities: above 1 gives more and smaller ones.
    seed
        Of the search for communities.

    Raises
    ------
    ValueError
        A pair stands twice, or has no patients.
    """
    same_day = clinicians.loc[clinicians["role"] == "same day", "npi"]
    ties, dropped, year = links(pairs, known=set(clinicians["npi"]), same_day=set(same_day), same_day_share=same_day_share)
    measures, modularity = metrics(ties, resolution=resolution, seed=seed)
    alone = isolates(ties, clinicians.loc[clinicians["role"] == "feeder", "npi"])
    return Network(ties, measures, modularity, dropped, year, alone)


def circles(measures: pd.DataFrame, links: pd.DataFrame, clinicians: pd.DataFrame) -> pd.DataFrame:
    """How many clinicians each community holds, the town and the specialty most of them share, and how closed it is.

    Parameters
    ----------
    measures
        Of `network.metrics`.
    clinicians
        `npi`, `city`, `specialty`.

    Returns
    -------
    One row per community: `community` (1 is the largest), `clinicians_n`, `town` and its part of them `town_share`, `specialty`,
    `patients_n` (over links inside), `inside_share` (of the patients on links that touch the community, those on links inside).
    """
    member = measures["community"]
    left, right = links["npi1"].map(member), links["npi2"].map(member)
    every = pd.Index(sorted(member.unique()))
    out, into, inside = (
        links.loc[kept, "patients_n"].groupby(end).sum().reindex(every, fill_value=0)
        for end, kept in ((left, left == left), (right, left != right), (left, left == right))
    )
    people = clinicians.merge(member.rename("community"), left_on="npi", right_index=True, validate="one_to_one").groupby("community")
    table = people.agg(
        clinicians_n=("npi", "size"),
        town=("city", _commonest),
        town_share=("city", lambda c: (c == _commonest(c)).mean()),
        specialty=("specialty", _commonest),
    )
    table["patients_n"], table["inside_share"] = inside, inside / (out + into)
    return table.rename_axis("community").reset_index().assign(community=lambda t: t["community"] + 1)


def _commonest(values: pd.Series) -> str:
    counts = values.value_counts()
    return min(counts.index[counts == counts.max()])


def bridges(measures: pd.DataFrame, clinicians: pd.DataFrame, *, most: int = 10) -> pd.DataFrame:
    """`network.central` clinicians with their names.

    Parameters
    ----------
    measures
        Of `network.metrics`.
    clinicians
        `npi`, `clinician` (name), `affiliation`.

    Returns
    -------
    One row per clinician: `clinician`, `affiliation`, `position`, `path_share` (betweenness), `closeness`, `pagerank`, `participation`,
    `in_patients_n`, `out_patients_n`.
    """
    table = central(measures, most=most).rename(columns={"betweenness": "path_share"})
    named = table.join(clinicians.set_index("npi")[["clinician", "affiliation"]], validate="one_to_one").reset_index(drop=True)
    strengths = ["in_patients_n", "out_patients_n"]
    return named[["clinician", "affiliation", "position", "path_share", "closeness", "pagerank", "participation", *strengths]]
