"""The schema of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_first_release"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database from the revision before to this one."""
    op.create_table(
        "dvv_authority",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("publication_id", sa.String(length=40), nullable=False),
        sa.Column("key_label", sa.String(length=80), nullable=False),
        sa.Column("key_id", sa.String(length=80), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("serials_reserved", sa.Integer(), nullable=False),
        sa.Column("crl_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_authority_key")),
        sa.UniqueConstraint("key_id", name=op.f("dvv_authority_key_id_once")),
        sa.UniqueConstraint("key_label", name=op.f("dvv_authority_key_label_once")),
        sa.UniqueConstraint("publication_id", name=op.f("dvv_authority_publication_id_once")),
    )
    op.create_table(
        "dvv_card_challenge",
        sa.Column("challenge", sa.String(length=128), nullable=False),
        sa.Column("card_number", sa.String(length=20), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("challenge", name=op.f("dvv_card_challenge_key")),
    )
    op.create_table(
        "dvv_contract",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("signer", sa.String(length=11), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.Column("point", sa.String(length=40), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("drawn_up_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("in_force_at", sa.DateTime(), nullable=True),
        sa.Column("sign_by", sa.Date(), nullable=True),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("signed_at", sa.DateTime(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("dvv_contract_key")),
    )
    op.create_index(op.f("dvv_contract_organisation_index"), "dvv_contract", ["organisation"], unique=False)
    op.create_index(op.f("dvv_contract_state_index"), "dvv_contract", ["state"], unique=False)
    op.create_table(
        "dvv_customer_account",
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("dvv_customer_account_key")),
    )
    op.create_table(
        "dvv_login_challenge",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("hetu", sa.String(length=11), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("dvv_login_challenge_key")),
    )
    op.create_table(
        "dvv_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hetu", sa.String(), nullable=False),
        sa.Column("surname", sa.String(), nullable=False),
        sa.Column("given_names", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("home_address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_person_key")),
        sa.UniqueConstraint("hetu", name=op.f("dvv_person_hetu_once")),
    )
    op.create_index(op.f("dvv_person_surname_index"), "dvv_person", ["surname"], unique=False)
    op.create_table(
        "dvv_registrar_course",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("hetu", sa.String(length=11), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("passed_on", sa.Date(), nullable=True),
        sa.Column("certificate", sa.String(length=40), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("dvv_registrar_course_key")),
        sa.UniqueConstraint("certificate", name=op.f("dvv_registrar_course_certificate_once")),
        sa.UniqueConstraint("hetu", name=op.f("dvv_registrar_course_hetu_once")),
    )
    op.create_table(
        "dvv_registrar_course_setting",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("dvv_registrar_course_setting_key")),
    )
    op.create_table(
        "dvv_test_card",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("activation_code", sa.String(length=20), nullable=False),
        sa.Column("ordered_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("dvv_test_card_key")),
    )
    op.create_index(op.f("dvv_test_card_order_number_index"), "dvv_test_card", ["order_number"], unique=False)
    op.create_index(op.f("dvv_test_card_state_index"), "dvv_test_card", ["state"], unique=False)
    op.create_table(
        "dvv_vartti_policy",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("dvv_vartti_policy_key")),
    )
    op.create_table(
        "journal",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.Column("rows", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("journal_key")),
    )
    op.create_table(
        "journal_row",
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_key", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_key", "sequence", name=op.f("journal_row_key")),
    )
    op.create_index(op.f("journal_row_sequence_index"), "journal_row", ["sequence"], unique=False)
    op.create_table(
        "kela_access_point",
        sa.Column("host_name", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("host_name", name=op.f("kela_access_point_key")),
    )
    op.create_table(
        "kela_joint_test",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("supplier", sa.String(), nullable=False),
        sa.Column("system_class", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("pretest_errors", sa.Integer(), nullable=True),
        sa.Column("statement_year", sa.Integer(), nullable=True),
        sa.Column("statement_running", sa.Integer(), nullable=True),
        sa.Column("statement_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("kela_joint_test_key")),
        sa.UniqueConstraint(
            "statement_year", "statement_running", name=op.f("kela_joint_test_statement_year_statement_running_once")
        ),
    )
    op.create_table(
        "kela_message",
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("acknowledgement", sa.String(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "message_id", name=op.f("kela_message_key")),
    )
    op.create_table(
        "kela_refused_certificate",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("kela_refused_certificate_key")),
    )
    op.create_table(
        "kela_request",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("certificate_sha256", sa.String(), nullable=False),
        sa.Column("certificate_serial", sa.String(), nullable=False),
        sa.Column("certificate_issuer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("kela_request_key")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("posted_at", sa.DateTime(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_key")),
    )
    op.create_table(
        "provider_access",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("registration_number", sa.String(length=11), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.String(length=320), nullable=True),
        sa.Column("granted_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("provider_access_key")),
        sa.UniqueConstraint("slot", name=op.f("provider_access_slot_once")),
    )
    op.create_index(
        "provider_access_by_person", "provider_access", ["organisation", "registration_number"], unique=False
    )
    op.create_table(
        "provider_arrangement",
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "kind", name=op.f("provider_arrangement_key")),
    )
    op.create_table(
        "provider_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.String(length=340), nullable=True),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=True),
        sa.Column("approved_by", sa.String(length=100), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("review_by", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("provider_plan_key")),
        sa.UniqueConstraint(
            "organisation", "kind", "version", name=op.f("provider_plan_organisation_kind_version_once")
        ),
        sa.UniqueConstraint("slot", name=op.f("provider_plan_slot_once")),
    )
    op.create_table(
        "provider_support_contact",
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("telephone", sa.String(length=40), nullable=False),
        sa.Column("hours", sa.String(length=100), nullable=False),
        sa.Column("named_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("provider_support_contact_key")),
    )
    op.create_table(
        "provider_sweep_schedule",
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("provider_sweep_schedule_key")),
    )
    op.create_table(
        "provider_training",
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("registration_number", sa.String(length=11), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("trained_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "registration_number", "topic", name=op.f("provider_training_key")),
    )
    op.create_table(
        "thl_arrival",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oid", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("thl_arrival_key")),
    )
    op.create_index(op.f("thl_arrival_due_at_index"), "thl_arrival", ["due_at"], unique=False)
    op.create_table(
        "thl_code",
        sa.Column("oid", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_fi", sa.String(), nullable=False),
        sa.Column("name_sv", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("oid", "version", "code", name=op.f("thl_code_key")),
    )
    op.create_table(
        "thl_code_system",
        sa.Column("oid", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("name_fi", sa.String(), nullable=False),
        sa.Column("name_sv", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("oid", "version", name=op.f("thl_code_system_key")),
    )
    op.create_table(
        "thl_organisation",
        sa.Column("oid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("long_name", sa.String(), nullable=False),
        sa.Column("business_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("municipality", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("kanta_intermediary", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent"], ["thl_organisation.oid"], name=op.f("thl_organisation_parent_to_thl_organisation")
        ),
        sa.PrimaryKeyConstraint("oid", name=op.f("thl_organisation_key")),
    )
    op.create_index(op.f("thl_organisation_business_id_index"), "thl_organisation", ["business_id"], unique=False)
    op.create_table(
        "thl_steering_document",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("replaces", sa.String(length=500), nullable=False),
        sa.Column("published_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("thl_steering_document_key")),
    )
    op.create_table(
        "training_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trainee", sa.String(length=60), nullable=False),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("hints", sa.Integer(), nullable=False),
        sa.Column("explained", sa.Boolean(), nullable=False),
        sa.Column("lacking", sa.String(length=80), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("training_progress_key")),
        sa.UniqueConstraint("trainee", "task", name=op.f("training_progress_trainee_task_once")),
    )
    op.create_index(op.f("training_progress_trainee_index"), "training_progress", ["trainee"], unique=False)
    op.create_table(
        "training_scene",
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("prepared_at", sa.DateTime(), nullable=False),
        sa.Column("names", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("task", name=op.f("training_scene_key")),
    )
    op.create_table(
        "valvira_approved_system",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_approved_system_key")),
    )
    op.create_index(op.f("valvira_approved_system_host_index"), "valvira_approved_system", ["host"], unique=False)
    op.create_table(
        "valvira_information_system",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("system_class", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("producer", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_information_system_key")),
    )
    op.create_table(
        "valvira_professional",
        sa.Column("registration_number", sa.String(), nullable=False),
        sa.Column("hetu", sa.String(), nullable=False),
        sa.Column("surname", sa.String(), nullable=False),
        sa.Column("given_names", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("surname_folded", sa.String(), nullable=False),
        sa.Column("prescriber_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("registration_number", name=op.f("valvira_professional_key")),
        sa.UniqueConstraint("hetu", name=op.f("valvira_professional_hetu_once")),
        sa.UniqueConstraint("prescriber_id", name=op.f("valvira_professional_prescriber_id_once")),
    )
    op.create_index(
        op.f("valvira_professional_surname_folded_index"), "valvira_professional", ["surname_folded"], unique=False
    )
    op.create_table(
        "valvira_restriction_target",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_fi", sa.String(), nullable=False),
        sa.Column("name_sv", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("valvira_restriction_target_key")),
    )
    op.create_table(
        "valvira_right_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("register", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title_fi", sa.String(), nullable=False),
        sa.Column("title_sv", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("prescriber", sa.Boolean(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("valvira_right_code_key")),
    )
    op.create_table(
        "dvv_account_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("hetu", sa.String(length=11), nullable=False),
        sa.Column("identified_with", sa.String(length=40), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["dvv_customer_account.organisation"],
            name=op.f("dvv_account_user_organisation_to_dvv_customer_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_account_user_key")),
        sa.UniqueConstraint("organisation", "hetu", name=op.f("dvv_account_user_organisation_hetu_once")),
    )
    op.create_table(
        "dvv_contract_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("attached_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract"], ["dvv_contract.number"], name=op.f("dvv_contract_document_contract_to_dvv_contract")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_contract_document_key")),
    )
    op.create_index(op.f("dvv_contract_document_contract_index"), "dvv_contract_document", ["contract"], unique=False)
    op.create_table(
        "dvv_crl",
        sa.Column("authority_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("this_update", sa.DateTime(), nullable=False),
        sa.Column("next_update", sa.DateTime(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("revocations", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["dvv_authority.id"], name=op.f("dvv_crl_authority_id_to_dvv_authority")
        ),
        sa.PrimaryKeyConstraint("authority_id", "number", name=op.f("dvv_crl_key")),
    )
    op.create_table(
        "dvv_registration_point",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("contract", sa.Integer(), nullable=True),
        sa.Column("card_readers", sa.Integer(), nullable=False),
        sa.Column("locked_storage", sa.Boolean(), nullable=False),
        sa.Column("access_control", sa.Boolean(), nullable=False),
        sa.Column("founded_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("closing_reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract"], ["dvv_contract.number"], name=op.f("dvv_registration_point_contract_to_dvv_contract")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_registration_point_key")),
    )
    op.create_index(op.f("dvv_registration_point_state_index"), "dvv_registration_point", ["state"], unique=False)
    op.create_table(
        "dvv_serial",
        sa.Column("authority_id", sa.String(length=40), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("reserved_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["dvv_authority.id"], name=op.f("dvv_serial_authority_id_to_dvv_authority")
        ),
        sa.PrimaryKeyConstraint("authority_id", "serial", name=op.f("dvv_serial_key")),
    )
    op.create_table(
        "kela_approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("joint_test", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["joint_test"], ["kela_joint_test.number"], name=op.f("kela_approval_joint_test_to_kela_joint_test")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("kela_approval_key")),
        sa.UniqueConstraint("joint_test", name=op.f("kela_approval_joint_test_once")),
    )
    op.create_index(op.f("kela_approval_state_index"), "kela_approval", ["state"], unique=False)
    op.create_table(
        "kela_document",
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("custodian", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("service_request", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment", "message_id"],
            ["kela_message.environment", "kela_message.message_id"],
            name=op.f("kela_document_environment_message_id_to_kela_message"),
        ),
        sa.PrimaryKeyConstraint("environment", "document_id", name=op.f("kela_document_key")),
        sa.UniqueConstraint("environment", "message_id", name=op.f("kela_document_environment_message_id_once")),
    )
    op.create_index(
        "kela_document_by_replaces",
        "kela_document",
        ["environment", "replaces"],
        unique=False,
        sqlite_where=sa.text("replaces <> ''"),
        postgresql_where=sa.text("replaces <> ''"),
    )
    op.create_index(op.f("kela_document_owner_index"), "kela_document", ["owner"], unique=False)
    op.create_index(op.f("kela_document_set_id_index"), "kela_document", ["set_id"], unique=False)
    op.create_table(
        "kela_joint_test_phase",
        sa.Column("joint_test", sa.Integer(), nullable=False),
        sa.Column("phase", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["joint_test"],
            ["kela_joint_test.number"],
            name=op.f("kela_joint_test_phase_joint_test_to_kela_joint_test"),
        ),
        sa.PrimaryKeyConstraint("joint_test", "phase", name=op.f("kela_joint_test_phase_key")),
    )
    op.create_table(
        "kela_served_organisation",
        sa.Column("host_name", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_name"],
            ["kela_access_point.host_name"],
            name=op.f("kela_served_organisation_host_name_to_kela_access_point"),
        ),
        sa.PrimaryKeyConstraint("host_name", "organisation", name=op.f("kela_served_organisation_key")),
    )
    op.create_table(
        "provider_plan_part",
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan"], ["provider_plan.id"], name=op.f("provider_plan_part_plan_to_provider_plan")
        ),
        sa.PrimaryKeyConstraint("plan", "part", name=op.f("provider_plan_part_key")),
    )
    op.create_table(
        "thl_domain",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["thl_organisation.oid"], name=op.f("thl_domain_organisation_to_thl_organisation")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("thl_domain_key")),
    )
    op.create_index(op.f("thl_domain_organisation_index"), "thl_domain", ["organisation"], unique=False)
    op.create_table(
        "thl_organisation_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oid", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.Column("business_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("kanta_intermediary", sa.Boolean(), nullable=False),
        sa.Column("name_folded", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["oid"], ["thl_organisation.oid"], name=op.f("thl_organisation_version_oid_to_thl_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("thl_organisation_version_key")),
    )
    op.create_index(
        op.f("thl_organisation_version_business_id_index"), "thl_organisation_version", ["business_id"], unique=False
    )
    op.create_index("thl_organisation_version_lookup", "thl_organisation_version", ["oid", "since"], unique=False)
    op.create_table(
        "valvira_deviation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", sa.Integer(), nullable=False),
        sa.Column("weight", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["system"],
            ["valvira_information_system.id"],
            name=op.f("valvira_deviation_system_to_valvira_information_system"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_deviation_key")),
    )
    op.create_index(op.f("valvira_deviation_system_index"), "valvira_deviation", ["system"], unique=False)
    op.create_table(
        "valvira_restriction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_number", sa.String(), nullable=False),
        sa.Column("right_code", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_number"],
            ["valvira_professional.registration_number"],
            name=op.f("valvira_restriction_registration_number_to_valvira_professional"),
        ),
        sa.ForeignKeyConstraint(
            ["right_code"],
            ["valvira_right_code.code"],
            name=op.f("valvira_restriction_right_code_to_valvira_right_code"),
        ),
        sa.ForeignKeyConstraint(
            ["target"],
            ["valvira_restriction_target.code"],
            name=op.f("valvira_restriction_target_to_valvira_restriction_target"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_restriction_key")),
    )
    op.create_index(
        "valvira_restriction_lookup", "valvira_restriction", ["registration_number", "right_code"], unique=False
    )
    op.create_table(
        "valvira_right",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_number", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("over_at", sa.DateTime(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("end_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["code"], ["valvira_right_code.code"], name=op.f("valvira_right_code_to_valvira_right_code")
        ),
        sa.ForeignKeyConstraint(
            ["registration_number"],
            ["valvira_professional.registration_number"],
            name=op.f("valvira_right_registration_number_to_valvira_professional"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_right_key")),
    )
    op.create_index("valvira_right_lookup", "valvira_right", ["registration_number", "began_at"], unique=False)
    op.create_table(
        "valvira_system_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["system"],
            ["valvira_information_system.id"],
            name=op.f("valvira_system_evidence_system_to_valvira_information_system"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_system_evidence_key")),
    )
    op.create_index(op.f("valvira_system_evidence_system_index"), "valvira_system_evidence", ["system"], unique=False)
    op.create_table(
        "dvv_certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.String(length=40), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("issuer_key_id", sa.String(length=80), nullable=False),
        sa.Column("profile", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("not_after", sa.DateTime(), nullable=False),
        sa.Column("issued_at", sa.DateTime(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id", "serial"],
            ["dvv_serial.authority_id", "dvv_serial.serial"],
            name=op.f("dvv_certificate_authority_id_serial_to_dvv_serial"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_certificate_key")),
        sa.UniqueConstraint("authority_id", "serial", name=op.f("dvv_certificate_authority_id_serial_once")),
        sa.UniqueConstraint("issuer_key_id", "serial", name=op.f("dvv_certificate_issuer_key_id_serial_once")),
    )
    op.create_index("dvv_certificate_by_holder", "dvv_certificate", ["holder"], unique=False)
    op.create_index("dvv_certificate_by_serial", "dvv_certificate", ["serial"], unique=False)
    op.create_table(
        "dvv_registrar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hetu", sa.String(length=11), nullable=False),
        sa.Column("point", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("certificate", sa.String(length=40), nullable=False),
        sa.Column("trained_on", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["point"], ["dvv_registration_point.id"], name=op.f("dvv_registrar_point_to_dvv_registration_point")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_registrar_key")),
        sa.UniqueConstraint("hetu", "point", name=op.f("dvv_registrar_hetu_point_once")),
    )
    op.create_index(op.f("dvv_registrar_hetu_index"), "dvv_registrar", ["hetu"], unique=False)
    op.create_index(op.f("dvv_registrar_state_index"), "dvv_registrar", ["state"], unique=False)
    op.create_table(
        "dvv_service_application",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=256), nullable=False),
        sa.Column("account", sa.String(length=256), nullable=False),
        sa.Column("user", sa.Integer(), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("contact_organisation", sa.String(length=200), nullable=False),
        sa.Column("shared_mailbox", sa.String(length=254), nullable=False),
        sa.Column("key_usages", sa.String(length=80), nullable=False),
        sa.Column("link_digest", sa.String(length=64), nullable=False),
        sa.Column("unit_name", sa.String(length=300), nullable=False),
        sa.Column("as_production", sa.Boolean(), nullable=False),
        sa.Column("renewal_of", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(), nullable=True),
        sa.Column("promised_by", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.DateTime(), nullable=True),
        sa.Column("csr", sa.LargeBinary(), nullable=True),
        sa.Column("public_key_digest", sa.String(length=64), nullable=False),
        sa.Column("return_reason", sa.String(length=500), nullable=False),
        sa.Column("officer", sa.String(length=100), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("not_after", sa.DateTime(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("revocation_reason", sa.String(length=40), nullable=False),
        sa.Column("revocation_requested_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"],
            ["dvv_customer_account.organisation"],
            name=op.f("dvv_service_application_account_to_dvv_customer_account"),
        ),
        sa.ForeignKeyConstraint(
            ["renewal_of"],
            ["dvv_service_application.number"],
            name=op.f("dvv_service_application_renewal_of_to_dvv_service_application"),
        ),
        sa.ForeignKeyConstraint(
            ["user"], ["dvv_account_user.id"], name=op.f("dvv_service_application_user_to_dvv_account_user")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("dvv_service_application_key")),
    )
    op.create_index(
        op.f("dvv_service_application_organisation_index"), "dvv_service_application", ["organisation"], unique=False
    )
    op.create_index(
        op.f("dvv_service_application_public_key_digest_index"),
        "dvv_service_application",
        ["public_key_digest"],
        unique=False,
    )
    op.create_index(op.f("dvv_service_application_serial_index"), "dvv_service_application", ["serial"], unique=False)
    op.create_index(op.f("dvv_service_application_state_index"), "dvv_service_application", ["state"], unique=False)
    op.create_table(
        "dvv_spare_card",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("point", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("hetu", sa.String(length=11), nullable=True),
        sa.Column("registration_number", sa.String(length=11), nullable=False),
        sa.Column("not_after", sa.DateTime(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["point"], ["dvv_registration_point.id"], name=op.f("dvv_spare_card_point_to_dvv_registration_point")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("dvv_spare_card_key")),
        sa.UniqueConstraint("hetu", name=op.f("dvv_spare_card_hetu_once")),
    )
    op.create_table(
        "kela_change_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("approval", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("joint_test", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approval"], ["kela_approval.id"], name=op.f("kela_change_notice_approval_to_kela_approval")
        ),
        sa.ForeignKeyConstraint(
            ["joint_test"], ["kela_joint_test.number"], name=op.f("kela_change_notice_joint_test_to_kela_joint_test")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("kela_change_notice_key")),
    )
    op.create_index(op.f("kela_change_notice_approval_index"), "kela_change_notice", ["approval"], unique=False)
    op.create_table(
        "valvira_supervision_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", sa.Integer(), nullable=False),
        sa.Column("deviation", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deviation"],
            ["valvira_deviation.id"],
            name=op.f("valvira_supervision_step_deviation_to_valvira_deviation"),
        ),
        sa.ForeignKeyConstraint(
            ["system"],
            ["valvira_information_system.id"],
            name=op.f("valvira_supervision_step_system_to_valvira_information_system"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("valvira_supervision_step_key")),
    )
    op.create_index(
        op.f("valvira_supervision_step_deviation_index"), "valvira_supervision_step", ["deviation"], unique=False
    )
    op.create_index(
        op.f("valvira_supervision_step_system_index"), "valvira_supervision_step", ["system"], unique=False
    )
    op.create_table(
        "dvv_application_attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("attached_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["dvv_service_application.number"],
            name=op.f("dvv_application_attachment_application_to_dvv_service_application"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_application_attachment_key")),
    )
    op.create_index(
        op.f("dvv_application_attachment_application_index"),
        "dvv_application_attachment",
        ["application"],
        unique=False,
    )
    op.create_table(
        "dvv_card_order",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("hetu", sa.String(length=11), nullable=False),
        sa.Column("registration_number", sa.String(length=11), nullable=False),
        sa.Column("right_code", sa.String(length=40), nullable=False),
        sa.Column("profession", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.String(length=120), nullable=True),
        sa.Column("point", sa.String(length=40), nullable=False),
        sa.Column("registrar", sa.Integer(), nullable=True),
        sa.Column("employer", sa.String(length=256), nullable=False),
        sa.Column("job_title", sa.String(length=100), nullable=False),
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("employed_from", sa.Date(), nullable=True),
        sa.Column("employed_to", sa.Date(), nullable=True),
        sa.Column("employment_certificate", sa.String(length=100), nullable=False),
        sa.Column("staff_number", sa.String(length=20), nullable=False),
        sa.Column("price", sa.String(length=10), nullable=False),
        sa.Column("has_photo", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.LargeBinary(), nullable=True),
        sa.Column("identity_document", sa.String(length=80), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("letter_address", sa.String(length=300), nullable=False),
        sa.Column("renews", sa.Integer(), nullable=True),
        sa.Column("ordered_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("rejected_by", sa.String(length=80), nullable=False),
        sa.Column("card_number", sa.String(length=20), nullable=True),
        sa.Column("sealed_code", sa.LargeBinary(), nullable=True),
        sa.Column("letter_due", sa.Date(), nullable=True),
        sa.Column("authentication_serial", sa.String(length=40), nullable=False),
        sa.Column("signature_serial", sa.String(length=40), nullable=False),
        sa.Column("not_after", sa.DateTime(), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(), nullable=True),
        sa.Column("activated_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("closing_reason", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["point"], ["dvv_registration_point.id"], name=op.f("dvv_card_order_point_to_dvv_registration_point")
        ),
        sa.ForeignKeyConstraint(
            ["registrar"], ["dvv_registrar.id"], name=op.f("dvv_card_order_registrar_to_dvv_registrar")
        ),
        sa.ForeignKeyConstraint(
            ["renews"], ["dvv_card_order.number"], name=op.f("dvv_card_order_renews_to_dvv_card_order")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("dvv_card_order_key")),
        sa.UniqueConstraint("card_number", name=op.f("dvv_card_order_card_number_once")),
        sa.UniqueConstraint("slot", name=op.f("dvv_card_order_slot_once")),
    )
    op.create_index("dvv_card_order_by_serial", "dvv_card_order", ["authentication_serial"], unique=False)
    op.create_index("dvv_card_order_by_state", "dvv_card_order", ["state", "not_after"], unique=False)
    op.create_index(op.f("dvv_card_order_hetu_index"), "dvv_card_order", ["hetu"], unique=False)
    op.create_index(
        op.f("dvv_card_order_registration_number_index"), "dvv_card_order", ["registration_number"], unique=False
    )
    op.create_table(
        "dvv_revocation",
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.String(length=40), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["dvv_certificate.id"], name=op.f("dvv_revocation_certificate_id_to_dvv_certificate")
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("dvv_revocation_key")),
    )
    op.create_index("dvv_revocation_by_authority", "dvv_revocation", ["authority_id", "expires_at"], unique=False)
    op.create_table(
        "dvv_card_reminder",
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("reminder", sa.String(length=40), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_number"], ["dvv_card_order.number"], name=op.f("dvv_card_reminder_order_number_to_dvv_card_order")
        ),
        sa.PrimaryKeyConstraint("order_number", "reminder", name=op.f("dvv_card_reminder_key")),
    )
    op.create_table(
        "dvv_card_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_number"], ["dvv_card_order.number"], name=op.f("dvv_card_step_order_number_to_dvv_card_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dvv_card_step_key")),
    )
    op.create_index(op.f("dvv_card_step_order_number_index"), "dvv_card_step", ["order_number"], unique=False)
