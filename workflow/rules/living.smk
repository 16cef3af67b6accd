# in:  data/raw/<source>/effects.csv, data/raw/corrections.csv
# out: results/tables/{agreement,disagreements}.csv
# config: sources


rule agreement:
    input:
        tables=expand("data/raw/{source}/effects.csv", source=SOURCES),
        corrections=branch(exists("data/raw/corrections.csv"), then="data/raw/corrections.csv", otherwise=[]),
    output:
        report(
            AGREEMENT_TABLES,
            category="Tables",
            caption="../report/agreement.rst",
        ),
    log:
        "results/logs/agreement.log",
    benchmark:
        "results/benchmarks/agreement.tsv"
    conda:
        "../envs/synthesis.yaml"
    params:
        sources=SOURCES,
        code=CODE,
    shell:
        "synthesis agreement --raw data/raw --sources {params.sources:q} --tables results/tables > {log:q} 2>&1"
