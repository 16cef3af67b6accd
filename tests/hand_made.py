"""Figures, report and exports of documents that a test made by hand: the package's own functions, given typed ones."""

from synthesis.draw import comparison as comparisons
from synthesis.draw import diagnostic, forest_notes, funnel, gosh_figure, prisma, risk, rows, sensitivity, spread
from synthesis.export import cards, checklist, r_script
from synthesis.report import sentences
from typed import on_documents

bubble = on_documents(spread.bubble)
caterpillar = on_documents(spread.caterpillar)
orchard = on_documents(spread.orchard)
baujat = on_documents(sensitivity.baujat)
cumulative = on_documents(sensitivity.cumulative)
influence = on_documents(sensitivity.influence)
leave_one_out = on_documents(sensitivity.leave_one_out)
comparison = on_documents(comparisons.comparison)
filled_checklist = on_documents(checklist.checklist)
flow = on_documents(prisma.flow)
forest = on_documents(rows.forest)
funnel_plot = on_documents(funnel.funnel)
radial = on_documents(funnel.radial)
gosh = on_documents(gosh_figure.gosh)
layout = on_documents(diagnostic.layout)
model_card = on_documents(cards.model_card)
people_words = on_documents(forest_notes.people_words)
r_data = on_documents(r_script.r_data)
r_code = on_documents(r_script.r_script)
risk_of_bias = on_documents(risk.risk_of_bias)
sentence = on_documents(sentences.sentence)
